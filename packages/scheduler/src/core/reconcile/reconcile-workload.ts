import { limits } from "@berth/protocol";
import { unreachable } from "@berth/runtime/assert";
import { gangOf } from "../state/gang.ts";
import { liveAllocations, type ReconcileContext } from "./reconcile-context.ts";
import { reconcileBatch } from "./reconcile-batch.ts";
import { reconcileGang } from "./reconcile-gang.ts";
import { reconcileService } from "./reconcile-service.ts";
import { reconcileSystem } from "./reconcile-system.ts";
import { emptyReconciliation, type Reconciliation, stopOnceConfirmed } from "./reconciliation.ts";

/** Compares what a workload asks for with what exists. Pure: decides, changes nothing. */
export function reconcileWorkload(context: ReconcileContext): Reconciliation {
  const { workload } = context;
  const result = emptyReconciliation();
  if (workload.stopped) {
    for (const live of liveAllocations(context))
      stopOnceConfirmed(result, live, "workload.stopped");
  } else {
    reconcileKind(context, result);
  }
  forgetOldHistory(context, result);
  return result;
}

function reconcileKind(context: ReconcileContext, result: Reconciliation): void {
  const { spec } = context.workload;
  if (spec.kind !== "system" && gangOf(spec)) return reconcileGang(context, spec, result);
  switch (spec.kind) {
    case "service":
      return reconcileService(context, spec, result);
    case "batch":
      return reconcileBatch(context, spec, result);
    case "system":
      return reconcileSystem(context, spec, result);
    default:
      return unreachable(spec);
  }
}

function forgetOldHistory({ state, workload }: ReconcileContext, result: Reconciliation): void {
  const { kind } = workload.spec;
  const numbers =
    kind === "system" ? new Set([...state.nodes.values()].map((node) => node.number)) : null;
  for (const slot of workload.slots.values()) {
    // A number is never given to another node, so nobody will ask for its history by index again.
    const isGone = numbers !== null && slot.live === null && !numbers.has(slot.index);
    const kept = isGone ? 0 : limits.finishedAllocationsPerIndexMax;
    const excess = slot.history.length - kept;
    if (excess > 0) result.forget.push(...slot.history.slice(0, excess));
  }
}
