import type { ClusterState } from "../state/cluster-state.ts";

/** When time alone next gives the scheduler something to do: a backoff or a drain deadline ends. */
export function nextWakeUnixMs(_state: ClusterState): number | null {
  throw new Error("not yet");
}
