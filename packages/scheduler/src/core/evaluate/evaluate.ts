import type { ClusterEvent, WorkloadId } from "@berth/protocol";
import { FairQueue } from "../queue/fair-queue.ts";
import { queueLimits } from "../queue/limits.ts";
import { keepReserved, overstayed } from "../queue/reservations.ts";
import { seeBlocked, seeTried } from "../state/agenda.ts";
import type { ClusterState, WorkloadRecord } from "../state/cluster-state.ts";
import { clusterCapacity } from "../queue/cluster-capacity.ts";
import { isKnownBlocked } from "./admit-indexes.ts";
import { WorkloadEvaluation } from "./evaluate-workload.ts";
import { inLine, stand } from "./in-line.ts";
import { Pass, type Whole } from "./pass.ts";
import { renewPromises } from "./preempt-for.ts";
import {
  closeWaitingRoom,
  findHopefuls,
  hasHopefuls,
  outdatedExplanations,
} from "./waiting-room.ts";
import { nextWakeUnixMs, wakeDue } from "./wake.ts";

/** `more`: call again once these events are applied, because they may have made something due. */
export interface Evaluation {
  readonly events: ClusterEvent[];
  /** Those of the events that must be in one entry. */
  readonly wholes: readonly Whole[];
  readonly more: boolean;
}

/** Whether an evaluation now could have anything to say. */
export function needsEvaluation(state: ClusterState, nowUnixMs: number): boolean {
  const wakeUnixMs = nextWakeUnixMs(state);
  return (
    state.agenda.dirty.size > 0 ||
    hasHopefuls(state) ||
    (wakeUnixMs !== null && wakeUnixMs <= nowUnixMs)
  );
}

/**
 * One scheduling pass over the workloads on the agenda, in the order of `FairQueue`. Takes them off
 * the agenda; the events, together at most `limits.evaluationBytesMax` or as much more as the last
 * gang takes, must be applied in order, in one entry or several, before the next pass. A pass with
 * nothing changed since the last returns no events.
 */
export function evaluate(state: ClusterState, nowUnixMs: number): Evaluation {
  wakeDue(state, nowUnixMs);
  const pass = new Pass(state, nowUnixMs);
  if (!endOverdue(pass) || !serveReservations(pass)) return endOf(pass, true);
  // How many of a workload may stop is counted in the state: what stops whatever its pace goes first.
  if (pass.hasStopped) return endOf(pass, true);
  renewPromises(pass);
  const dirty = [...state.agenda.dirty].flatMap((id) => state.workloads.get(id) ?? []);
  const hopefuls = findHopefuls(pass);
  const toPlace = [...dirty, ...hopefuls.workloads];
  const isHopeless = (workload: WorkloadRecord) =>
    !state.agenda.dirty.has(workload.id) && isKnownBlocked(pass, workload);
  if (!evaluateInOrder(pass, toPlace, isHopeless)) return endOf(pass, true);
  const isPlacing = pass.events.some(({ type }) => type === "AllocationPlaced");
  if (!hopefuls.isCut || !isPlacing) closeWaitingRoom(state, nowUnixMs);
  // What waits for room comes last: its explanation then tells what this pass leaves.
  pass.mayPreempt = false;
  const outdated = outdatedExplanations(state, nowUnixMs);
  return endOf(pass, !evaluateInOrder(pass, outdated));
}

function endOf({ events, wholes }: Pass, isCut: boolean): Evaluation {
  return { events, wholes, more: isCut || events.length > 0 };
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
function evaluateInOrder(
  pass: Pass,
  workloads: readonly WorkloadRecord[],
  isHopeless: (workload: WorkloadRecord) => boolean = () => false,
): boolean {
  if (workloads.length === 0) return true;
  const { state } = pass;
  const { agenda } = state;
  const queue = new FairQueue(inLine(state, workloads), pass.projects, clusterCapacity(state));
  const begun = new Map<WorkloadId, WorkloadEvaluation>();
  for (let item = queue.next(); item; item = queue.next()) {
    const { workload, isStanding } = item;
    if (pass.isDisturbed(workload)) {
      agenda.dirty.add(workload.id);
      continue;
    }
    if (isStanding) {
      stand(pass, workload);
      queue.markBlocked();
      continue;
    }
    if (isHopeless(workload)) {
      seeTried(agenda, workload.id);
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
    agenda.dirty.delete(workload.id);
    if (agenda.blocked.has(workload.id)) seeBlocked(agenda, workload.id);
  }
  return true;
}
