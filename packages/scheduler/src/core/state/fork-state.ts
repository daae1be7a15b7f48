import { limits } from "@berth/protocol";
import { createAgenda, rebuildAgenda } from "./agenda.ts";
import { type ClusterState, type NodeRecord, type WorkloadRecord } from "./cluster-state.ts";
import { DesiredSet } from "./desired-set.ts";
import { createEventRing } from "./event-ring.ts";
import { copyUsage } from "./node-usage.ts";
import { rebuildProjectUse } from "./project-use.ts";
import { RecentMap } from "./recent-map.ts";

/**
 * A state to try things on: entries applied to either of the two leave the other as it is. Records
 * and tables are copied and the values in them shared, so that it takes milliseconds where writing a
 * state down takes seconds. What people ask of the past (events, answers, reasons of placements)
 * does not come along; everything is on its agenda, so that it says the same whoever forks.
 *
 * Every field is named, here and below: one that is added does not compile until it is decided
 * whether it is shared.
 */
export function forkState(state: ClusterState): ClusterState {
  const nodes = new Map([...state.nodes].map(([id, node]) => [id, forkNode(node)]));
  const workloads = new Map([...state.workloads].map(([id, one]) => [id, forkWorkload(one)]));
  const fork: ClusterState = {
    clusterId: state.clusterId,
    term: state.term,
    leader: state.leader,
    version: state.version,
    seq: state.seq,
    atUnixMs: state.atUnixMs,
    nodes,
    workloads,
    allocations: state.allocations.copy(),
    projects: new Map(state.projects),
    pools: new Map(state.pools),
    reservations: new Map(state.reservations),
    yielding: new Map(state.yielding),
    moves: new Map(state.moves),
    projectUse: new Map(),
    explanations: new RecentMap(limits.placementExplanationsRememberedMax),
    answers: new RecentMap(limits.answersRememberedMax),
    events: createEventRing(),
    nextNodeNumber: state.nextNodeNumber,
    nextWorkloadNumber: state.nextWorkloadNumber,
    nextAllocationNumber: state.nextAllocationNumber,
    nextReservationNumber: state.nextReservationNumber,
    agenda: createAgenda(),
  };
  rebuildProjectUse(fork);
  rebuildAgenda(fork);
  return fork;
}

function forkNode(node: NodeRecord): NodeRecord {
  const live = node.live.copy();
  const stopping = node.stopping.copy();
  return {
    id: node.id,
    number: node.number,
    description: node.description,
    place: node.place,
    status: node.status,
    statusReason: node.statusReason,
    statusSinceUnixMs: node.statusSinceUnixMs,
    eligibility: node.eligibility,
    eligibilityReason: node.eligibilityReason,
    drain: node.drain,
    generation: node.generation,
    cpuOvercommitPercent: node.cpuOvercommitPercent,
    usage: copyUsage(node.usage),
    live,
    stopping,
    desired: new DesiredSet(live, stopping),
  };
}

function forkWorkload(workload: WorkloadRecord): WorkloadRecord {
  return {
    id: workload.id,
    number: workload.number,
    spec: workload.spec,
    version: workload.version,
    revision: workload.revision,
    taskVersion: workload.taskVersion,
    stopped: workload.stopped,
    removing: workload.removing,
    submittedAtUnixMs: workload.submittedAtUnixMs,
    updatedAtUnixMs: workload.updatedAtUnixMs,
    slots: workload.slots.copy(),
    pending: workload.pending,
    counts: { ...workload.counts },
  };
}
