import {
  type AgentBeat,
  type Fence,
  MESSAGE_VERSION,
  type NodeId,
  subjects,
  timings,
} from "@berth/protocol";
import type { Bus, Clock } from "@berth/runtime";
import { type ClusterState, type DesiredNotice, fenceOf } from "../core/index.ts";

/**
 * Tells agents what changed. A lost message costs a beat: a beat that names an older fence than the
 * node's gets an empty difference on top of the newest one, which makes the agent pull.
 */
export class DesiredHints {
  readonly #bus: Bus;
  readonly #clock: Clock;
  /** When each node was last told something, on the monotonic clock. */
  readonly #toldAtMs = new Map<NodeId, number>();

  constructor({ bus, clock }: { readonly bus: Bus; readonly clock: Clock }) {
    this.#bus = bus;
    this.#clock = clock;
  }

  send(state: ClusterState, notice: DesiredNotice): void {
    const { nodeId, fence, base, add, remove } = notice;
    const { clusterId } = state;
    if (clusterId === null) return;
    this.#toldAtMs.set(nodeId, this.#clock.monotonicMs());
    const body = { v: MESSAGE_VERSION, clusterId, fence, base, add, remove };
    this.#bus.publish(subjects.nodeDesired(nodeId), body);
  }

  /** Whether this beat shows an agent that has missed something and was not told just now. */
  isBehind(state: ClusterState, { nodeId, applied }: AgentBeat): boolean {
    const fence = fenceOf(state, nodeId);
    if (applied !== null && !isOlder(applied, fence)) return false;
    const toldMs = this.#toldAtMs.get(nodeId) ?? Number.NEGATIVE_INFINITY;
    return this.#clock.monotonicMs() - toldMs > timings.beatIntervalMs;
  }

  askToPull(state: ClusterState, nodeId: NodeId, fence: Fence): void {
    this.send(state, { nodeId, fence, base: fence, add: [], remove: [] });
  }

  forget(nodeId: NodeId): void {
    this.#toldAtMs.delete(nodeId);
  }
}

function isOlder(left: Fence, right: Fence): boolean {
  return left.term === right.term ? left.generation < right.generation : left.term < right.term;
}
