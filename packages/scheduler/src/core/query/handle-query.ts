import type { ApiMethod, ApiParams, ApiReply, WireError } from "@berth/protocol";
import type { api } from "@berth/protocol";
import type { ClusterState } from "../state/cluster-state.ts";

export type ReadMethod = {
  [M in ApiMethod]: (typeof api)[M]["kind"] extends "read" ? M : never;
}[ApiMethod];

export type QueryResult<T> = { ok: true; value: T } | { ok: false; error: WireError };

/** Answers a read from the state as it is. Waiting (`event.list`'s `waitMs`) is the shell's. */
export function handleQuery<M extends ReadMethod>(
  _state: ClusterState,
  _method: M,
  _params: ApiParams<M>,
  _at: { nowUnixMs: number },
): QueryResult<ApiReply<M>> {
  throw new Error("not yet");
}
