import { bandOf, type NodeId, type WorkloadId, type WorkloadSpec } from "@berth/protocol";
import type { ClusterState, WorkloadRecord } from "./cluster-state.ts";
import { earliestRetryUnixMs, isBlocked } from "./pending-groups.ts";
import { isPromised } from "./hopeful.ts";
import { Deadlines, setDeadline } from "./time-limit.ts";
import { WaitingLines } from "./waiting-lines.ts";

/**
 * What the scheduler has yet to reconsider, kept by the fold as changes arrive. Evaluation takes
 * from it; a replica that does not lead never reads it. After a replay it names everything that ever
 * changed, which costs one evaluation that finds nothing to do.
 */
export interface Agenda {
  /** Something may have to be placed or stopped. */
  readonly dirty: Set<WorkloadId>;
  /**
   * Workloads with an index that waits for room, by when their explanation was last right: the one
   * that is longest out of date comes first.
   */
  readonly blocked: Map<WorkloadId, Seen>;
  /** Who is first of those that wait for room. */
  readonly lines: WaitingLines;
  /** Workloads that were promised the room of others who were asked to stop. */
  readonly promised: Set<WorkloadId>;
  /** Workloads of which something runs: only they can be preempted. */
  readonly running: Set<WorkloadId>;
  /** Counts what may let something start that waits, or changes why it does. */
  changes: number;
  /** The change after which all that waits for room was last tried. */
  triedAt: number;
  /** The last change that made room, and where room was made since all were last tried. */
  roomMadeAt: number;
  readonly freedNodes: Set<NodeId>;
  /**
   * The least important band of what began to run, or was changed, since all were last tried: who is
   * more important may find somebody to preempt. Null when nothing did.
   */
  newVictimBand: number | null;
  /** When somebody to preempt was last looked for because of that. */
  soughtUnixMs: number;
  /** When explanations were last brought up to date, while there are too many to do it at once. */
  refreshedUnixMs: number;
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
  /** What changes for finding places; null until a replica begins to. */
  placement: PlacementChanges | null;
}

/** The change after which a blocked workload was last tried by itself, and last explained. */
export interface Seen {
  readonly triedAt: number;
  readonly explainedAt: number;
}

/** Noted since placement last looked. */
export interface PlacementChanges {
  /** Nodes that came, changed or left, or that hold more or less. */
  readonly nodes: Set<NodeId>;
  /** Workloads that want more or fewer tasks, or others. */
  readonly demand: Set<WorkloadId>;
}

export function createAgenda(): Agenda {
  return {
    dirty: new Set(),
    blocked: new Map(),
    lines: new WaitingLines(),
    promised: new Set(),
    running: new Set(),
    changes: 0,
    triedAt: 0,
    roomMadeAt: 0,
    freedNodes: new Set(),
    newVictimBand: null,
    soughtUnixMs: 0,
    refreshedUnixMs: 0,
    systems: new Set(),
    retries: new Map(),
    draining: new Set(),
    deadlines: new Deadlines(),
    timeLimitChanges: 0,
    servedUnixMs: 0,
    placement: null,
  };
}

/** The agenda of a state that was not folded here: everything is to be reconsidered once. */
export function rebuildAgenda(state: ClusterState): void {
  const { agenda, workloads, nodes, allocations } = state;
  for (const workload of workloads.values()) {
    const { id, spec, pending } = workload;
    agenda.dirty.add(id);
    noteWaiting(agenda, workload);
    noteRunning(agenda, workload);
    if (spec.kind === "system") agenda.systems.add(id);
    if (isBlocked(pending)) seeBlocked(agenda, id);
    const retryUnixMs = earliestRetryUnixMs(pending);
    if (retryUnixMs !== null) agenda.retries.set(id, retryUnixMs);
  }
  for (const { id, drain } of nodes.values()) if (drain) agenda.draining.add(id);
  for (const allocation of allocations.values()) setDeadline(state, allocation);
}

/** What a workload waits for has changed, or where it stands in the queue. */
export function noteWaiting({ lines, promised }: Agenda, workload: WorkloadRecord): void {
  lines.note(workload);
  if (isPromised(workload.pending)) promised.add(workload.id);
  else promised.delete(workload.id);
}

export function noteRunning({ running }: Agenda, { id, counts }: WorkloadRecord): void {
  if (counts.running > 0) running.add(id);
  else running.delete(id);
}

/** Room was made on a node, or it changed: what waits for room may fit there now. */
export function roomWasMade(agenda: Agenda, node: NodeId): void {
  agenda.changes += 1;
  agenda.roomMadeAt = agenda.changes;
  agenda.freedNodes.add(node);
}

/** Something may be preempted now that could not be before. */
export function mayYield(agenda: Agenda, { priority }: WorkloadSpec): void {
  agenda.newVictimBand = Math.max(agenda.newVictimBand ?? 0, bandOf(priority));
}

/** Room was taken: explanations of what waits for room have moved. */
export function roomWasTaken(agenda: Agenda): void {
  agenda.changes += 1;
}

/** The workload waits for room, and was explained as of now. */
export function seeBlocked(agenda: Agenda, id: WorkloadId): void {
  agenda.blocked.delete(id);
  agenda.blocked.set(id, { triedAt: agenda.changes, explainedAt: agenda.changes });
}

/** It was tried in vain, and why it waits is no other reason than before. */
export function seeTried(agenda: Agenda, id: WorkloadId): void {
  const seen = agenda.blocked.get(id);
  if (seen) agenda.blocked.set(id, { ...seen, triedAt: agenda.changes });
}

/** It does not wait for room any more; what was kept for it may be others'. */
export function leaveBlocked(agenda: Agenda, id: WorkloadId): void {
  if (agenda.blocked.delete(id)) agenda.changes += 1;
}

export function forgetWorkload(agenda: Agenda, workload: WorkloadRecord): void {
  const { id } = workload;
  agenda.dirty.delete(id);
  agenda.lines.forget(workload);
  agenda.promised.delete(id);
  agenda.running.delete(id);
  leaveBlocked(agenda, id);
  agenda.systems.delete(id);
  agenda.retries.delete(id);
}
