import type { ApiParams } from "@berth/protocol";
import { findWorkload } from "../select/find.ts";
import { type CommandContext, type Decision, decide } from "./decision.ts";

/** Stops what runs; the workload and its history stay. Stopping twice is stopping. */
export function stopWorkload(
  { state }: CommandContext,
  { workload: selector }: ApiParams<"workload.stop">,
): Decision {
  const found = findWorkload(state, selector);
  if (!found.ok) return found;
  const { id, stopped } = found.value;
  const event = { type: "WorkloadStopped", workloadId: id, remove: false } as const;
  return decide(stopped ? [] : [event], { workload: id });
}

/** Stops what runs and forgets the workload: now when nothing is live, else once all has ended. */
export function removeWorkload(
  { state }: CommandContext,
  { workload: selector }: ApiParams<"workload.remove">,
): Decision {
  const found = findWorkload(state, selector);
  if (!found.ok) return found;
  const { id, removing, counts } = found.value;
  if (counts.placed + counts.running + counts.stopping === 0) {
    return decide([{ type: "WorkloadRemoved", workloadId: id }], { workload: id, removed: true });
  }
  const event = { type: "WorkloadStopped", workloadId: id, remove: true } as const;
  return decide(removing ? [] : [event], { workload: id, removed: false });
}
