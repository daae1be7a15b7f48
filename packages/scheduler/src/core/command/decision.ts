import type { ClusterEvent } from "@berth/protocol";
import type { Refused } from "../select/refusal.ts";
import type { ClusterState } from "../state/cluster-state.ts";

/** What one write changes, and its answer without `seq`: the entry it becomes durable in names that. */
export type Decision =
  | { readonly ok: true; readonly events: ClusterEvent[]; readonly reply: JsonObject }
  | Refused;

export type JsonObject = Record<string, unknown>;

export interface CommandContext {
  readonly state: ClusterState;
  readonly nowUnixMs: number;
}

export function decide(events: ClusterEvent[], reply: JsonObject): Decision {
  return { ok: true, events, reply };
}
