import type { WebSocket } from "ws";
import { feedCloseCodes, type Upstream } from "@berth/protocol";
import type { Changes } from "@berth/scheduler/state";
import { assert, type Clock, type Logger, type Timer } from "@berth/runtime";
import { gatewayLimits, gatewayTimings } from "../limits.ts";
import type { Fold, ReplicaListener } from "../replica.ts";
import type { Telemetry } from "../telemetry.ts";
import { DeltaRing } from "./delta-ring.ts";
import { encodeFrame } from "./encode-frame.ts";
import { FeedConnection, type FeedSource } from "./feed-connection.ts";
import { FeedProjection } from "./feed-projection.ts";

export interface FeedHubComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Pick<Telemetry, "all" | "takeChanged">;
  readonly readUpstream: () => Upstream;
}

/** Between the fold and the pages: entries in, at most ten deltas a second out, to all at once. */
export class FeedHub implements ReplicaListener, FeedSource {
  readonly #components: FeedHubComponents;
  readonly #connections = new Set<FeedConnection>();
  readonly #sockets = new Set<WebSocket>();
  readonly #timers: readonly Timer[];
  #projection: FeedProjection | null = null;
  #ring: DeltaRing | null = null;
  #snapshot: { epoch: string; seq: number; frame: Buffer } | null = null;
  /** Applied to the fold, not yet in a delta. */
  #waiting: Changes[] = [];
  #flush: Timer | null = null;
  #flushedAtMs = Number.NEGATIVE_INFINITY;

  constructor(components: FeedHubComponents) {
    this.#components = components;
    const { clock } = components;
    this.#timers = [
      clock.every(gatewayTimings.pulseIntervalMs, () => this.#sendPulse()),
      clock.every(gatewayTimings.telemetryIntervalMs, () => this.#sendTelemetry()),
    ];
  }

  stop(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#flush?.cancel();
    for (const socket of this.#sockets) socket.terminate();
  }

  accept(socket: WebSocket): void {
    if (this.#sockets.size >= gatewayLimits.socketsMax) {
      this.#components.logger.count("feed.full", "turned a page away: too many");
      socket.on("error", () => {});
      socket.close(feedCloseCodes.full, "too many pages");
      return;
    }
    const { clock, logger } = this.#components;
    const connection = new FeedConnection({ socket, source: this, clock, logger });
    this.#sockets.add(socket);
    this.#connections.add(connection);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#connections.delete(connection);
    });
  }

  onFold(fold: Fold): void {
    this.#flush?.cancel();
    this.#flush = null;
    this.#waiting = [];
    this.#projection = new FeedProjection(fold);
    this.#ring = new DeltaRing(
      { deltasMax: gatewayLimits.ringDeltasMax, bytesMax: gatewayLimits.ringBytesMax },
      this.#projection.seq,
    );
    this.#pumpAll();
  }

  onChanges(changes: Changes): void {
    this.#waiting.push(changes);
    const { clock } = this.#components;
    const dueInMs = this.#flushedAtMs + gatewayTimings.deltaIntervalMs - clock.monotonicMs();
    this.#flush ??= clock.after(Math.max(0, dueInMs), () => this.#publish());
  }

  get epoch(): string | null {
    return this.#projection?.epoch ?? null;
  }

  get seq(): number {
    return this.#ring?.seq ?? 0;
  }

  frameAfter(seq: number): Buffer | null {
    return this.#ring?.frameAfter(seq) ?? null;
  }

  /** Encoded once for each position, however many pages ask for it. */
  snapshotFrame(): Buffer {
    this.#settle();
    const projection = this.#projection;
    assert(projection !== null, "a snapshot is asked for only when there is a fold");
    const { epoch, seq } = projection;
    if (this.#snapshot?.epoch !== epoch || this.#snapshot.seq !== seq) {
      this.#snapshot = { epoch, seq, frame: encodeFrame(projection.snapshot()) };
    }
    return this.#snapshot.frame;
  }

  telemetryFrame(): Buffer {
    const nodes = this.#components.telemetry.all();
    return encodeFrame({ type: "telemetry", complete: true, nodes });
  }

  #publish(): void {
    this.#flush = null;
    this.#flushedAtMs = this.#components.clock.monotonicMs();
    this.#settle();
    this.#pumpAll();
  }

  /** Makes one delta of what waits, and leaves its delivery to the timer that is set already. */
  #settle(): void {
    if (this.#waiting.length === 0 || this.#projection === null) return;
    const delta = this.#projection.delta(this.#waiting);
    this.#waiting = [];
    this.#ring?.push(delta);
  }

  #pumpAll(): void {
    for (const connection of this.#connections) connection.pump();
  }

  #sendPulse(): void {
    const upstream = this.#components.readUpstream();
    const frame = encodeFrame({ type: "pulse", epoch: this.epoch, seq: this.seq, upstream });
    for (const connection of this.#connections) connection.pulse(frame);
  }

  #sendTelemetry(): void {
    const nodes = this.#components.telemetry.takeChanged();
    const frame =
      nodes.length === 0 ? null : encodeFrame({ type: "telemetry", complete: false, nodes });
    for (const connection of this.#connections) connection.sendTelemetry(frame);
  }
}
