import { type EventOf, type NodeId } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import type { Pass } from "../evaluate/pass.ts";
import { placeIndexes } from "../evaluate/place-indexes.ts";
import { withConstraint } from "../evaluate/with-constraint.ts";
import type { AllocationRecord, WorkloadRecord } from "../state/cluster-state.ts";
import { startsWell, stopped, type Scratch } from "../whatif/scratch.ts";

/** A move that placement would make: what leaves, and the placement of its index. */
export interface Move {
  readonly allocation: AllocationRecord;
  readonly placed: EventOf<"AllocationPlaced">;
}

/** Where placement puts the index if the allocation ends and `avoid` is not to be had; null: nowhere. */
export function tryMove(pass: Pass, allocation: AllocationRecord, avoid: NodeId): Move | null {
  const { workloadId, index } = allocation;
  const workload = pass.state.workloads.get(workloadId);
  assert(workload, `no workload ${workloadId}`);
  const elsewhere = withConstraint(vacated(workload, allocation), `node.id != ${avoid}`);
  const placed = tryPlace(pass, elsewhere, index);
  return placed && { allocation, placed };
}

/** Where placement puts an index that waits; null: nowhere. The pass remembers what it took. */
export function tryPlace(
  pass: Pass,
  workload: WorkloadRecord,
  index: number,
): EventOf<"AllocationPlaced"> | null {
  const { placed } = placeIndexes(pass, workload, [index]);
  if (placed.length === 0) return null;
  const event = pass.events.at(-1);
  assert(event?.type === "AllocationPlaced", "what was placed is the pass's last event");
  return event;
}

/** The workload as it is once the allocation has ended. */
function vacated(workload: WorkloadRecord, { id, index }: AllocationRecord): WorkloadRecord {
  const slots = workload.slots.copy();
  const slot = slots.get(index);
  assert(slot?.live === id, `${id} does not live`);
  slots.set({ ...slot, live: null, history: [...slot.history, id] });
  return { ...workload, slots };
}

/** Makes the move on the scratch state, down to the replacement that serves. */
export function commitMove(scratch: Scratch, { allocation, placed }: Move): void {
  const { id, startedAtUnixMs } = allocation;
  const stop = { type: "AllocationStopRequested", allocationId: id, reason: "rebalanced" } as const;
  scratch.apply([
    { ...stop, moveTo: placed.nodeId },
    stopped({ id, startedAtUnixMs }, scratch.nowUnixMs),
  ]);
  commitPlacement(scratch, placed);
}

export function commitPlacement(scratch: Scratch, placed: EventOf<"AllocationPlaced">): void {
  const workload = scratch.state.workloads.get(placed.workloadId);
  assert(workload, `no workload ${placed.workloadId}`);
  const { spec } = workload;
  const started = { id: placed.allocationId, spec, startedAtUnixMs: null };
  scratch.apply([placed, startsWell(started, scratch.nowUnixMs)]);
}
