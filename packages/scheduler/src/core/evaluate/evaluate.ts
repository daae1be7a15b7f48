import type { ClusterEvent, WorkloadId } from "@berth/protocol";
import { FairQueue } from "../queue/fair-queue.ts";
import { queueLimits } from "../queue/limits.ts";
import { keepReserved, overstayed } from "../queue/reservations.ts";
import { hasRoomNews, seeBlocked, spreadRoomNews } from "../state/agenda.ts";
import type { ClusterState } from "../state/cluster-state.ts";
import { clusterCapacity } from "../queue/cluster-capacity.ts";
import { WorkloadEvaluation } from "./evaluate-workload.ts";
import { inLine, stand } from "./in-line.ts";
import { Pass } from "./pass.ts";
import { nextWakeUnixMs, wakeDue } from "./wake.ts";

/** `more`: call again once these events are applied, because they may have made something due. */
export interface Evaluation {
  readonly events: ClusterEvent[];
  readonly more: boolean;
}

/** Whether an evaluation now could have anything to say. */
export function needsEvaluation(state: ClusterState, nowUnixMs: number): boolean {
  const wakeUnixMs = nextWakeUnixMs(state);
  return (
    state.agenda.dirty.size > 0 ||
    state.agenda.stale.size > 0 ||
    hasRoomNews(state.agenda) ||
    (wakeUnixMs !== null && wakeUnixMs <= nowUnixMs)
  );
}

/**
 * One scheduling pass over the workloads on the agenda, in the order of `FairQueue`. Takes them off
 * the agenda; the events, together at most `limits.evaluationBytesMax`, must be applied in order, in
 * one entry or several, before the next pass. A pass with nothing changed since the last returns no
 * events.
 */
export function evaluate(state: ClusterState, nowUnixMs: number): Evaluation {
  wakeDue(state, nowUnixMs);
  spreadRoomNews(state.agenda);
  const pass = new Pass(state, nowUnixMs);
  if (!endOverdue(pass) || !serveReservations(pass)) return endOf(pass, true);
  const { dirty, stale } = state.agenda;
  // What waits for room comes last: its explanation then tells what this pass leaves.
  for (const agenda of [dirty, stale]) {
    if (!evaluateInOrder(pass, agenda)) return endOf(pass, true);
  }
  return endOf(pass, false);
}

function endOf({ events }: Pass, isCut: boolean): Evaluation {
  return { events, more: isCut || events.length > 0 };
}

/** What has run as long as it may is asked to stop. */
function endOverdue(pass: Pass): boolean {
  const due = pass.state.agenda.deadlines.due(pass.nowUnixMs);
  return due.every((id) => pass.requestStop(id, "time.limit"));
}

/** Ends reservations that are over, keeps the nodes of the others, and clears those that began. */
function serveReservations(pass: Pass): boolean {
  const { state, nowUnixMs } = pass;
  if (state.reservations.size === 0) return true;
  for (const { id, toUnixMs } of state.reservations.values()) {
    if (toUnixMs > nowUnixMs) continue;
    if (!pass.add({ type: "ReservationRemoved", id })) return false;
  }
  const active = keepReserved(pass);
  const inTheWay = overstayed(state, pass.projects, active, nowUnixMs);
  return inTheWay.every(({ id }) => pass.requestStop(id, "reclaimed"));
}

/** False when the pass took no more before the end. */
function evaluateInOrder(pass: Pass, agenda: Set<WorkloadId>): boolean {
  if (agenda.size === 0) return true;
  const { state } = pass;
  const capacity = clusterCapacity(state);
  const toEvaluate = [...agenda].flatMap((id) => state.workloads.get(id) ?? []);
  const queue = new FairQueue(inLine(state, toEvaluate), pass.projects, capacity);
  const begun = new Map<WorkloadId, WorkloadEvaluation>();
  for (let item = queue.next(); item; item = queue.next()) {
    const { workload } = item;
    if (item.isStanding) {
      stand(pass, workload);
      queue.markBlocked();
      continue;
    }
    if (pass.isTired) return false;
    const evaluation = begun.get(workload.id) ?? new WorkloadEvaluation(pass, workload);
    const most = queue.isContended ? queueLimits.indexesPerTurnMax : Number.POSITIVE_INFINITY;
    const turn = evaluation.takeTurn(most);
    if (turn === "cut") return false;
    if (turn === "more") {
      begun.set(workload.id, evaluation);
      queue.giveBack();
      continue;
    }
    if (turn === "blocked") queue.markBlocked();
    state.agenda.dirty.delete(workload.id);
    state.agenda.stale.delete(workload.id);
    if (state.agenda.blocked.has(workload.id)) seeBlocked(state.agenda, workload.id);
  }
  return true;
}
