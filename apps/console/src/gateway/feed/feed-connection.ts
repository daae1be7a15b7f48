import type { RawData, WebSocket } from "ws";
import { FEED_VERSION, feedCloseCodes, type FeedHello, FeedRequest } from "@berth/protocol";
import type { Clock, Logger } from "@berth/runtime";
import { gatewayLimits } from "../limits.ts";

/** What a connection sends from. The same for all of them, so that frames are encoded once. */
export interface FeedSource {
  /** Null until there is a fold. */
  readonly epoch: string | null;
  readonly seq: number;
  frameAfter(seq: number): Buffer | null;
  snapshotFrame(): Buffer;
  telemetryFrame(): Buffer;
}

export interface FeedConnectionComponents {
  readonly socket: WebSocket;
  readonly source: FeedSource;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Position {
  readonly epoch: string;
  readonly seq: number;
}

/**
 * One page. State reaches it level-triggered: `pump` brings it from where it is to where the source
 * is, in one frame, unless it is congested; then it waits, and what it missed arrives merged.
 */
export class FeedConnection {
  readonly #components: FeedConnectionComponents;
  readonly #connectedAtMs: number;
  #heardAtMs: number;
  #isGreeted = false;
  /** What the page will hold once it has read all that was sent; null: nothing it could go on from. */
  #sent: Position | null = null;
  /** Positions sent and not acknowledged, oldest first. */
  #unacked: { seq: number; sentAtMs: number }[] = [];
  #missedTelemetry = true;

  constructor(components: FeedConnectionComponents) {
    const { socket, clock } = components;
    this.#components = components;
    this.#connectedAtMs = clock.monotonicMs();
    this.#heardAtMs = this.#connectedAtMs;
    socket.on("message", (data, isBinary) => this.#receive(data, isBinary));
    socket.on("error", (error) => this.#count("feed.socket", "a page's socket failed", { error }));
  }

  /** Sends what is missing, as one frame, where the page can take it. */
  pump(): void {
    const { socket, source, clock } = this.#components;
    if (!this.#isGreeted || source.epoch === null || this.#isCongested()) return;
    const at = this.#sent;
    if (at?.epoch === source.epoch && at.seq === source.seq) return;
    const next = at?.epoch === source.epoch ? source.frameAfter(at.seq) : null;
    if (next === null) this.#unacked = [];
    socket.send(next ?? source.snapshotFrame(), { binary: false });
    // Read after: making a snapshot brings the source to its newest position.
    this.#sent = { epoch: source.epoch, seq: source.seq };
    this.#unacked.push({ seq: source.seq, sentAtMs: clock.monotonicMs() });
    if (next === null) this.#missedTelemetry = true;
    if (this.#missedTelemetry) this.sendTelemetry(null);
  }

  /** A congested page misses it, and gets the whole later: only the newest is worth anything. */
  sendTelemetry(changed: Buffer | null): void {
    if (!this.#isGreeted || this.#sent === null) return;
    if (this.#isCongested()) {
      this.#missedTelemetry = true;
      return;
    }
    const frame = this.#missedTelemetry ? this.#components.source.telemetryFrame() : changed;
    this.#missedTelemetry = false;
    if (frame !== null) this.#components.socket.send(frame, { binary: false });
  }

  /** Each second. Ends what does not answer or does not read. */
  pulse(frame: Buffer): void {
    const { socket, clock } = this.#components;
    const nowMs = clock.monotonicMs();
    if (socket.bufferedAmount > gatewayLimits.bufferedBytesHard) return this.#end("too slow");
    if (nowMs - this.#heardAtMs > gatewayLimits.silentMsMax) return this.#end("silent");
    if (!this.#isGreeted && nowMs - this.#connectedAtMs > gatewayLimits.helloMsMax) {
      return this.#refuse("malformed", "no hello");
    }
    this.pump();
    if (this.#isGreeted && socket.bufferedAmount <= gatewayLimits.bufferedBytesSoft) {
      socket.send(frame, { binary: false });
    }
  }

  #isCongested(): boolean {
    const { socket, clock } = this.#components;
    const [oldest] = this.#unacked;
    return (
      socket.bufferedAmount > gatewayLimits.bufferedBytesSoft ||
      (oldest !== undefined && clock.monotonicMs() - oldest.sentAtMs > gatewayLimits.ackLagMsMax)
    );
  }

  #receive(data: RawData, isBinary: boolean): void {
    const request = isBinary ? null : parseRequest(data);
    if (request === null) {
      this.#count("feed.malformed", "a page sent a malformed message");
      this.#refuse("malformed", "malformed message");
      return;
    }
    this.#heardAtMs = this.#components.clock.monotonicMs();
    switch (request.type) {
      case "hello":
        return this.#greet(request);
      case "ack":
        this.#unacked = this.#unacked.filter(({ seq }) => seq > request.seq);
        return this.pump();
    }
  }

  #greet({ v, have }: FeedHello): void {
    if (v !== FEED_VERSION) return this.#refuse("version", `this gateway speaks ${FEED_VERSION}`);
    if (this.#isGreeted) return this.#refuse("malformed", "hello twice");
    this.#isGreeted = true;
    this.#sent = have;
    this.pump();
  }

  #refuse(code: keyof typeof feedCloseCodes, reason: string): void {
    this.#components.socket.close(feedCloseCodes[code], reason);
  }

  #end(reason: string): void {
    this.#count(`feed.${reason}`, "ended a page's socket", { reason });
    this.#components.socket.terminate();
  }

  #count(kind: string, message: string, fields?: Record<string, unknown>): void {
    this.#components.logger.count(kind, message, fields);
  }
}

function parseRequest(data: RawData): FeedRequest | null {
  try {
    const body: unknown = JSON.parse(textOf(data));
    const request = FeedRequest.safeParse(body);
    return request.success ? request.data : null;
  } catch {
    return null;
  }
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString("utf8");
  return Buffer.from(data as Buffer).toString("utf8");
}
