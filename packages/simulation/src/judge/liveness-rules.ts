import { type EventOf, timings } from "@berth/protocol";
import type { ClusterState } from "@berth/scheduler/state";
import type { SimulatedNode } from "../world/simulated-node.ts";
import type { SimulatedScheduler } from "../world/simulated-scheduler.ts";
import { demand } from "./violation.ts";

/** Clocks that run fast and verdicts that take their time to be stored. */
const TOLERANCE_MS = 1_000;
/** How long after a silence a verdict about it may still reach the log. */
const VERDICT_LATENESS_MS = 25_000;
/** By then a leader that nothing disturbs has noticed that a node is gone, or is back. */
const NOTICED_AFTER_MS = timings.nodeDownAfterMs + 5_000;

interface Hearing {
  heardMs: number;
  /** When the last long silence ended, or the node was heard for the first time. */
  silenceEndedMs: number;
}

/** Who is called dead was silent, and who is silent is called dead. */
export class LivenessRules {
  private readonly hearings = new Map<string, Hearing>();
  private undisturbedSinceMs = 0;
  private undisturbed: SimulatedScheduler | null = null;
  private term = 0;

  /** A node's beat or hello was delivered to a client of the engine. */
  heard(nodeId: string, listener: string, nowMs: number): void {
    const key = `${nodeId} ${listener}`;
    const hearing = this.hearings.get(key);
    if (hearing === undefined) {
      this.hearings.set(key, { heardMs: nowMs, silenceEndedMs: nowMs });
      return;
    }
    if (isLong(nowMs - hearing.heardMs)) hearing.silenceEndedMs = nowMs;
    hearing.heardMs = nowMs;
  }

  /** A node is called down: whoever leads had not heard it for long enough. */
  statusInLog(state: ClusterState, event: EventOf<"NodeStatusChanged">, nowMs: number): void {
    if (event.status !== "down") return;
    const hearing = this.hearings.get(`${event.nodeId} ${state.leader}`);
    const wasSilent =
      hearing === undefined ||
      isLong(nowMs - hearing.heardMs) ||
      nowMs - hearing.silenceEndedMs < VERDICT_LATENESS_MS;
    const name = state.nodes.get(event.nodeId)?.description.name;
    demand(wasSilent, "RULE", () => `${name} is called down and was heard all the time`);
  }

  /** Called every second: a leader that nothing disturbs knows who is gone. */
  look(
    state: ClusterState,
    schedulers: readonly SimulatedScheduler[],
    nodes: readonly SimulatedNode[],
    world: { nowMs: number; isEngineCalm: boolean },
  ): void {
    const { nowMs } = world;
    const calm = world.isEngineCalm ? (schedulers.find(isUndisturbedLeader) ?? null) : null;
    const isSameReign = calm !== null && calm === this.undisturbed && this.term === state.term;
    if (!isSameReign) this.undisturbedSinceMs = nowMs;
    this.undisturbed = calm;
    this.term = state.term;
    const undisturbedMs = nowMs - this.undisturbedSinceMs;
    for (const { id, name } of nodes) {
      const heardMs = this.hearings.get(`${id} ${state.leader}`)?.heardMs ?? 0;
      const silentMs = Math.min(nowMs - heardMs, undisturbedMs);
      const status = state.nodes.get(id)?.status ?? "down";
      demand(silentMs <= NOTICED_AFTER_MS || status === "down", "INV10", () => {
        return `${name} is silent for ${Math.floor(silentMs / 1000)} s and called ${status}`;
      });
    }
  }
}

function isLong(silenceMs: number): boolean {
  return silenceMs > timings.nodeDownAfterMs - TOLERANCE_MS;
}

function isUndisturbedLeader({ isLeading, link }: SimulatedScheduler): boolean {
  return isLeading && link !== null && link.isCalm;
}
