import type { BatchSpec, ServiceSpec, StopReason } from "@berth/protocol";
import type { AllocationRecord, Slot } from "../state/cluster-state.ts";
import { isGivenUp } from "../state/gang.ts";
import { drainOf } from "./drain.ts";
import { liveOf, type ReconcileContext, stopAboveCount } from "./reconcile-context.ts";
import {
  placeOrBackOff,
  type Reconciliation,
  stopOnceConfirmed,
  waitForPredecessor,
} from "./reconciliation.ts";

interface Member {
  readonly index: number;
  readonly slot: Slot | undefined;
  readonly live: AllocationRecord | null;
}

/**
 * All indexes that are not done run together. As soon as one of them does not run, or must leave, the
 * others are stopped too; when all have ended and the last backoff is over, all start again.
 */
export function reconcileGang(
  context: ReconcileContext,
  spec: BatchSpec | ServiceSpec,
  result: Reconciliation,
): void {
  const { state, workload, nowUnixMs } = context;
  stopAboveCount(context, spec.count, result);
  const members: Member[] = [];
  for (let index = 0; index < spec.count; index += 1) {
    const slot = workload.slots.get(index);
    if (!slot?.done) members.push({ index, slot, live: liveOf(state, slot) });
  }
  const stays = ({ live }: Member) => live !== null && leavingFor(context, live) === null;
  if (!isGivenUp(workload) && members.every(stays)) return;
  const first = members.find(({ live }) => live !== null)?.live ?? null;
  if (first) return endTogether(context, members, first, result);
  const last = latestRetry(members);
  for (const { index } of members) placeOrBackOff(result, index, last, nowUnixMs);
}

/** Why a member must leave, whatever the others do. */
function leavingFor(
  { state, workload, nowUnixMs }: ReconcileContext,
  live: AllocationRecord,
): StopReason | null {
  if (live.status === "stopping") return "gang";
  if (live.health === "unhealthy") return "unhealthy";
  if (live.workloadVersion < workload.taskVersion) return "workload.updated";
  return drainOf(state, live, nowUnixMs) === null ? null : "node.drained";
}

function endTogether(
  context: ReconcileContext,
  members: readonly Member[],
  first: AllocationRecord,
  result: Reconciliation,
): void {
  const { id: allocationId, nodeName } = first;
  const explanation = { reason: "predecessor", allocationId, nodeName } as const;
  for (const { index, live } of members) {
    if (live === null) result.waiting.push({ index, explanation });
    else {
      stopOnceConfirmed(result, live, leavingFor(context, live) ?? "gang");
      waitForPredecessor(result, live);
    }
  }
}

/** The member whose backoff ends last: all wait for it. */
function latestRetry(members: readonly Member[]): Slot | undefined {
  let latest: Slot | undefined;
  for (const { slot } of members) {
    if ((slot?.retryAtUnixMs ?? 0) > (latest?.retryAtUnixMs ?? 0)) latest = slot;
  }
  return latest;
}
