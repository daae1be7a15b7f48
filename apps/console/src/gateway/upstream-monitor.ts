import { api, subjects, type Upstream, type UpstreamStatus } from "@berth/protocol";
import type { Bus, Clock, Logger, Timer } from "@berth/runtime";
import { gatewayTimings } from "./limits.ts";
import type { Replica } from "./replica.ts";

export interface UpstreamComponents {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly replica: Pick<Replica, "current" | "isFollowing">;
}

/** Asks the leader for its position each second, to know how current this copy of the state is. */
export class UpstreamMonitor {
  readonly #components: UpstreamComponents;
  readonly #timer: Timer;
  #status: UpstreamStatus = "catching_up";
  #changedAtMs: number;
  #leaderHeardAtMs: number;
  /** When this copy was first seen behind the leader's position; null while it is not. */
  #behindSinceMs: number | null = null;
  #isAsking = false;

  constructor(components: UpstreamComponents) {
    this.#components = components;
    const nowMs = components.clock.monotonicMs();
    this.#changedAtMs = nowMs;
    this.#leaderHeardAtMs = nowMs;
    this.#timer = components.clock.every(gatewayTimings.leaderProbeIntervalMs, () => {
      void this.#probe();
    });
    void this.#probe();
  }

  stop(): void {
    this.#timer.cancel();
  }

  /** As of now: silence needs no event to be noticed. */
  read(): Upstream {
    const nowMs = this.#components.clock.monotonicMs();
    const status = this.#judge(nowMs);
    if (status !== this.#status) {
      this.#components.logger.info("upstream changed", { from: this.#status, to: status });
      this.#status = status;
      this.#changedAtMs = nowMs;
    }
    const sinceMs = status === "leader_silent" ? this.#leaderHeardAtMs : this.#changedAtMs;
    return { status, sinceMs: Math.max(0, nowMs - sinceMs) };
  }

  #judge(nowMs: number): UpstreamStatus {
    const { bus, replica } = this.#components;
    if (bus.status !== "connected") return "disconnected";
    if (!replica.isFollowing) return "catching_up";
    if (nowMs - this.#leaderHeardAtMs > gatewayTimings.leaderSilentAfterMs) return "leader_silent";
    const behindMs = this.#behindSinceMs === null ? 0 : nowMs - this.#behindSinceMs;
    return behindMs > gatewayTimings.behindAfterMs ? "behind" : "live";
  }

  async #probe(): Promise<void> {
    const { bus, clock, replica } = this.#components;
    if (this.#isAsking || bus.status !== "connected") return;
    this.#isAsking = true;
    try {
      const seq = await this.#askLeader();
      if (seq === null) return;
      const nowMs = clock.monotonicMs();
      this.#leaderHeardAtMs = nowMs;
      if ((replica.current?.state.seq ?? 0) >= seq) this.#behindSinceMs = null;
      else this.#behindSinceMs ??= nowMs;
    } finally {
      this.#isAsking = false;
    }
  }

  /** The leader's position; null when nobody who leads has answered. */
  async #askLeader(): Promise<number | null> {
    const method = "cluster.status";
    const { bus, logger } = this.#components;
    const timeoutMs = gatewayTimings.leaderProbeTimeoutMs;
    try {
      const reply = await bus.request(subjects.api(method), { v: 1 }, { timeoutMs });
      if (typeof reply !== "object" || reply === null || !("value" in reply)) return null;
      const status = api[method].reply.safeParse(reply.value);
      if (!status.success) logger.count("leader.malformed", "malformed status from the leader");
      return status.success && status.data.ready ? status.data.seq : null;
    } catch {
      return null;
    }
  }
}
