import { type ClusterEvent, type EventOf, type LogEntry } from "@berth/protocol";
import { assert, unreachable } from "@berth/runtime/assert";
import {
  applyAllocationFinished,
  applyAllocationPlaced,
  applyAllocationRunning,
  applyAllocationsForgotten,
  applyAllocationStopRequested,
} from "./apply-allocation-event.ts";
import {
  applyNodeEligibilityChanged,
  applyNodeRegistered,
  applyNodeRemoved,
  applyNodeStatusChanged,
} from "./apply-node-event.ts";
import {
  applyWorkloadApplied,
  applyWorkloadEvaluated,
  applyWorkloadRemoved,
  applyWorkloadStopped,
} from "./apply-workload-event.ts";
import {
  applyPoolConfigured,
  applyProjectConfigured,
  applyProjectRemoved,
  applyReservationMade,
  applyReservationRemoved,
} from "./apply-policy-event.ts";
import { type Changes, createChanges } from "./changes.ts";
import type { ClusterState } from "./cluster-state.ts";
import { describeEvent } from "./describe-event.ts";
import { rememberEvent } from "./event-ring.ts";

/** One entry on its way into the state: what the events of an entry share. */
export interface Applying {
  readonly state: ClusterState;
  readonly seq: number;
  readonly atUnixMs: number;
  readonly changes: Changes;
}

/**
 * Folds one entry into the state, in time proportional to what it changes. Deterministic: the same
 * entries give the same state everywhere. An event that cannot follow from the state is a bug and
 * fails an assertion. Says what it touched.
 *
 * A leader that still collects an entry applies it part by part: `firstPosition` is how many events
 * of entry `seq` are applied already. The state is the same as from the whole entry.
 */
export function applyEntry(
  state: ClusterState,
  seq: number,
  entry: LogEntry,
  firstPosition = 0,
): Changes {
  const isInOrder = firstPosition === 0 ? seq > state.seq : seq === state.seq;
  assert(isInOrder, () => `entry ${seq} after ${state.seq}: entries are applied in order, once`);
  assert(
    entry.term >= state.term,
    () => `entry ${seq} of term ${entry.term} after term ${state.term}`,
  );
  const changes = createChanges(seq);
  const applying: Applying = { state, seq, atUnixMs: entry.atUnixMs, changes };
  state.seq = seq;
  state.atUnixMs = entry.atUnixMs;
  for (const [index, event] of entry.events.entries()) {
    const position = firstPosition + index;
    // Described first: an event that removes something still finds it by name.
    const described = describeEvent(state, event);
    applyEvent(applying, event);
    if (described) {
      const { atUnixMs } = entry;
      rememberEvent(state.events, { seq, position, atUnixMs, type: event.type, ...described });
    }
  }
  return changes;
}

function applyEvent(applying: Applying, event: ClusterEvent): void {
  switch (event.type) {
    case "LeaderStarted":
      return applyLeaderStarted(applying, event);
    case "NodeRegistered":
      return applyNodeRegistered(applying, event);
    case "NodeStatusChanged":
      return applyNodeStatusChanged(applying, event);
    case "NodeEligibilityChanged":
      return applyNodeEligibilityChanged(applying, event);
    case "NodeRemoved":
      return applyNodeRemoved(applying, event);
    case "WorkloadApplied":
      return applyWorkloadApplied(applying, event);
    case "WorkloadStopped":
      return applyWorkloadStopped(applying, event);
    case "WorkloadRemoved":
      return applyWorkloadRemoved(applying, event);
    case "WorkloadEvaluated":
      return applyWorkloadEvaluated(applying, event);
    case "AllocationPlaced":
      return applyAllocationPlaced(applying, event);
    case "AllocationStopRequested":
      return applyAllocationStopRequested(applying, event);
    case "AllocationRunning":
      return applyAllocationRunning(applying, event);
    case "AllocationFinished":
      return applyAllocationFinished(applying, event);
    case "AllocationsForgotten":
      return applyAllocationsForgotten(applying, event);
    case "ProjectConfigured":
      return applyProjectConfigured(applying, event);
    case "ProjectRemoved":
      return applyProjectRemoved(applying, event);
    case "PoolConfigured":
      return applyPoolConfigured(applying, event);
    case "ReservationMade":
      return applyReservationMade(applying, event);
    case "ReservationRemoved":
      return applyReservationRemoved(applying, event);
    case "RequestAnswered":
      return applyRequestAnswered(applying, event);
    default:
      return unreachable(event);
  }
}

function applyLeaderStarted({ state }: Applying, event: EventOf<"LeaderStarted">): void {
  assert(event.term > state.term, () => `term ${event.term} after ${state.term}`);
  assert(
    state.clusterId === null || state.clusterId === event.clusterId,
    () => `the log of ${state.clusterId} continues as ${event.clusterId}`,
  );
  state.clusterId = event.clusterId;
  state.term = event.term;
  state.leader = event.leader;
  state.version = event.version;
}

function applyRequestAnswered({ state, seq }: Applying, event: EventOf<"RequestAnswered">): void {
  assert(!state.answers.has(event.requestId), () => `request ${event.requestId} is answered twice`);
  state.answers.add(event.requestId, { method: event.method, reply: event.reply, seq });
}
