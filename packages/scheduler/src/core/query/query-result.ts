import type { Refused } from "../select/refusal.ts";
import type { ClusterState } from "../state/cluster-state.ts";

export type QueryResult<T> = { readonly ok: true; readonly value: T } | Refused;

export interface QueryContext {
  readonly state: ClusterState;
  readonly nowUnixMs: number;
  /** What one answer may have, as JSON; null where nothing bounds it. Listings end a page there. */
  readonly replyBytesMax: number | null;
}
