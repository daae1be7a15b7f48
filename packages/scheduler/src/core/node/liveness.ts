import { type AllocationId, type ClusterEvent, type NodeId, timings } from "@berth/protocol";
import type { ClusterState, NodeRecord } from "../state/cluster-state.ts";

/**
 * Who is alive, from beats on the leader's monotonic clock. Beats never enter the log; only the
 * transitions that follow from them do.
 *
 * A node that this leader has not heard yet has until `nodeDownAfterMs` after the leader started.
 * A leader that was itself asleep cannot tell who is silent, so it grants the same again.
 */
export class Liveness {
  private readonly lastBeatMs = new Map<NodeId, number>();
  private graceStartedMs = 0;
  private lastLookMs = 0;

  leaderStarted(monotonicMs: number): void {
    this.lastBeatMs.clear();
    this.graceStartedMs = monotonicMs;
    this.lastLookMs = monotonicMs;
  }

  beat(nodeId: NodeId, monotonicMs: number): void {
    this.lastBeatMs.set(nodeId, monotonicMs);
  }

  /** The transitions that are due. Not remembered here: what is not applied is due again. */
  due(state: ClusterState, monotonicMs: number, nowUnixMs: number): ClusterEvent[] {
    if (monotonicMs - this.lastLookMs > timings.nodeSuspectAfterMs) this.leaderStarted(monotonicMs);
    this.lastLookMs = monotonicMs;
    for (const id of this.lastBeatMs.keys()) if (!state.nodes.has(id)) this.lastBeatMs.delete(id);
    const events: ClusterEvent[] = [];
    for (const node of state.nodes.values()) {
      const verdict = this.judge(node, monotonicMs);
      if (verdict && verdict.status !== node.status) {
        events.push({ type: "NodeStatusChanged", nodeId: node.id, ...verdict });
      }
      const down = verdict ? verdict.status === "down" : node.status === "down";
      if (down) for (const id of node.live) events.push(lossOf(state, id, nowUnixMs));
    }
    return events;
  }

  /** When to look next: at the earliest possible transition, and within a beat in any case. */
  nextDueMonotonicMs(state: ClusterState): number {
    let next = this.lastLookMs + timings.beatIntervalMs;
    for (const node of state.nodes.values()) {
      if (node.status === "down") continue;
      const beatMs = this.lastBeatMs.get(node.id);
      const silentAfterMs =
        beatMs !== undefined && node.status === "ready"
          ? timings.nodeSuspectAfterMs
          : timings.nodeDownAfterMs;
      const dueMs = (beatMs ?? this.graceStartedMs) + silentAfterMs;
      next = Math.min(next, dueMs);
    }
    return next;
  }

  /** What a node should be by its beats; null while nothing can be said. */
  private judge(
    node: NodeRecord,
    monotonicMs: number,
  ): { status: "ready" | "suspect" | "down"; reason: string } | null {
    const beatMs = this.lastBeatMs.get(node.id);
    const silentMs = monotonicMs - (beatMs ?? this.graceStartedMs);
    const silence = `no beat for ${Math.floor(silentMs / 1000)} s`;
    if (silentMs >= timings.nodeDownAfterMs) return { status: "down", reason: silence };
    if (beatMs === undefined) return null;
    if (silentMs < timings.nodeSuspectAfterMs) return { status: "ready", reason: "beats again" };
    return node.status === "down" ? null : { status: "suspect", reason: silence };
  }
}

/** An allocation ends because its node is down. */
export function lossOf(state: ClusterState, id: AllocationId, nowUnixMs: number): ClusterEvent {
  return {
    type: "AllocationFinished",
    allocationId: id,
    outcome: "lost",
    exit: null,
    startedAtUnixMs: state.allocations.get(id)?.startedAtUnixMs ?? null,
    finishedAtUnixMs: nowUnixMs,
    message: "its node is down",
  };
}
