import type { ClusterEvent } from "@berth/protocol";
import type { ClusterState } from "../state/cluster-state.ts";

/** `more`: the bound on one pass was reached; call again once these events are applied. */
export interface Evaluation {
  readonly events: ClusterEvent[];
  readonly more: boolean;
}

/** Whether an evaluation now could have anything to say. */
export function needsEvaluation(_state: ClusterState, _nowUnixMs: number): boolean {
  throw new Error("not yet");
}

/**
 * One scheduling pass over the workloads on the agenda, most urgent first, then oldest. Takes them
 * off the agenda; the events, together at most `limits.evaluationBytesMax`, fit one entry and must
 * be applied before the next pass. A pass with nothing changed since the last returns no events.
 */
export function evaluate(_state: ClusterState, _nowUnixMs: number): Evaluation {
  throw new Error("not yet");
}
