import type { NodeId, WorkloadId } from "@berth/protocol";
import type { ClusterState } from "./cluster-state.ts";
import { earliestRetryUnixMs, isBlocked, waitsForTurn } from "./pending-groups.ts";
import { Deadlines, setDeadline } from "./time-limit.ts";

/**
 * What the scheduler has yet to reconsider, kept by the fold as changes arrive. Evaluation takes
 * from `dirty` and `stale`; a replica that does not lead never reads it. After a replay it names
 * everything that ever changed, which costs one evaluation that finds nothing to do.
 */
export interface Agenda {
  /** Something may have to be placed or stopped. */
  readonly dirty: Set<WorkloadId>;
  /** Nothing can have become placeable, but the numbers in an explanation have moved. */
  readonly stale: Set<WorkloadId>;
  /** Workloads with an index that waits for room, and the change of room they were last seen at. */
  readonly blocked: Map<WorkloadId, number>;
  /** Those of them that have room and wait for their turn. */
  readonly behind: Set<WorkloadId>;
  /** Counts the changes of room: only what happened after a workload was seen concerns it. */
  roomChanges: number;
  /** The last change that made room, and the last that took some. */
  roomMadeAt: number;
  roomTakenAt: number;
  /** System workloads: any change of a node makes them dirty. */
  readonly systems: Set<WorkloadId>;
  /** When the earliest backoff of a workload ends. */
  readonly retries: Map<WorkloadId, number>;
  readonly draining: Set<NodeId>;
  /** Running allocations with a time limit. */
  readonly deadlines: Deadlines;
  /** Counts changes of time limits, which change what nodes are expected to be. */
  timeLimitChanges: number;
  /** The moment of the last evaluation: what time alone made due by then was seen. */
  servedUnixMs: number;
}

export function createAgenda(): Agenda {
  return {
    dirty: new Set(),
    stale: new Set(),
    blocked: new Map(),
    behind: new Set(),
    roomChanges: 0,
    roomMadeAt: 0,
    roomTakenAt: 0,
    systems: new Set(),
    retries: new Map(),
    draining: new Set(),
    deadlines: new Deadlines(),
    timeLimitChanges: 0,
    servedUnixMs: 0,
  };
}

/** The agenda of a state that was not folded here: everything is to be reconsidered once. */
export function rebuildAgenda(state: ClusterState): void {
  const { agenda, workloads, nodes, allocations } = state;
  for (const { id, spec, pending } of workloads.values()) {
    agenda.dirty.add(id);
    if (spec.kind === "system") agenda.systems.add(id);
    if (isBlocked(pending)) agenda.blocked.set(id, agenda.roomChanges);
    if (waitsForTurn(pending)) agenda.behind.add(id);
    const retryUnixMs = earliestRetryUnixMs(pending);
    if (retryUnixMs !== null) agenda.retries.set(id, retryUnixMs);
  }
  for (const { id, drain } of nodes.values()) if (drain) agenda.draining.add(id);
  for (const allocation of allocations.values()) setDeadline(state, allocation);
}

/** Room was made or a node changed: whatever waits for room may fit now. */
export function roomWasMade(agenda: Agenda): void {
  agenda.roomChanges += 1;
  agenda.roomMadeAt = agenda.roomChanges;
}

/**
 * Room was taken: explanations of what waits for room have moved. What waited for its turn may have
 * it now, because it was perhaps those ahead that took the room.
 */
export function roomWasTaken(agenda: Agenda): void {
  agenda.roomChanges += 1;
  agenda.roomTakenAt = agenda.roomChanges;
}

/** The workload waits for room, as of now. */
export function seeBlocked(agenda: Agenda, id: WorkloadId): void {
  agenda.blocked.set(id, agenda.roomChanges);
}

/** Whether a change of room concerns something that waits for it. */
export function hasRoomNews({ blocked, roomMadeAt, roomTakenAt }: Agenda): boolean {
  const last = Math.max(roomMadeAt, roomTakenAt);
  for (const seenAt of blocked.values()) if (seenAt < last) return true;
  return false;
}

/** Puts on the agenda what changes of room concern, in time proportional to what waits for it. */
export function spreadRoomNews(agenda: Agenda): void {
  const { blocked, behind, dirty, stale, roomMadeAt, roomTakenAt } = agenda;
  if (Math.max(roomMadeAt, roomTakenAt) === 0) return;
  for (const [id, seenAt] of blocked) {
    if (seenAt < roomMadeAt || (seenAt < roomTakenAt && behind.has(id))) dirty.add(id);
    else if (seenAt < roomTakenAt) stale.add(id);
    else continue;
    blocked.set(id, agenda.roomChanges);
  }
}

export function forgetWorkload(agenda: Agenda, id: WorkloadId): void {
  agenda.dirty.delete(id);
  agenda.stale.delete(id);
  agenda.blocked.delete(id);
  agenda.behind.delete(id);
  agenda.systems.delete(id);
  agenda.retries.delete(id);
}
