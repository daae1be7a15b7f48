import type { ApiMethod, ApiParams, ClusterEvent, WireError } from "@berth/protocol";
import type { api } from "@berth/protocol";
import type { ClusterState } from "../state/cluster-state.ts";

export type WriteMethod = {
  [M in ApiMethod]: (typeof api)[M]["kind"] extends "write" ? M : never;
}[ApiMethod];

/**
 * What a write decides. `events` belong in one entry; `reply` makes the answer from the sequence
 * of that entry and is sent once it is durable. A repeated request has no events: `reply` ignores
 * its argument and returns the first answer, to be sent once everything applied is durable.
 */
export type CommandResult =
  | { ok: true; events: ClusterEvent[]; reply: (seq: number) => unknown }
  | { ok: false; error: WireError };

/** Decides a write against the state; nothing changes until the events are applied. */
export function handleCommand<M extends WriteMethod>(
  _state: ClusterState,
  _method: M,
  _params: ApiParams<M>,
  _at: { nowUnixMs: number },
): CommandResult {
  throw new Error("not yet");
}
