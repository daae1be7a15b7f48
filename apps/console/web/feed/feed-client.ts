import { FEED_VERSION, feedCloseCodes, type FeedFrame, type FeedRequest } from "@berth/protocol";
import { reconnectDelayMs } from "../model/backoff.ts";
import type { Link } from "../model/freshness.ts";

/** The part of a browser's `WebSocket` that is used. */
export interface FeedSocket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send(data: string): void;
  close(): void;
}

export interface FeedPorts {
  openSocket(): FeedSocket;
  nowMs(): number;
  /** Returns what cancels it. */
  after(delayMs: number, run: () => void): () => void;
  random(): number;
}

export interface FeedListener {
  /** What the page holds already; null makes the gateway start with a snapshot. */
  have(): { epoch: string; seq: number } | null;
  /** False when the frame does not follow what the page holds. */
  onFrame(frame: FeedFrame): boolean;
  onLink(link: Link): void;
  /** The gateway is of another version than this page. */
  onOutdated(): void;
}

/** Pulses come each second: a line silent for this long is dead, whatever the browser thinks. */
const SILENT_MS_MAX = 6_000;

/** Keeps one socket to the gateway, for ever. */
export class FeedClient {
  readonly #ports: FeedPorts;
  readonly #listener: FeedListener;
  #socket: FeedSocket | null = null;
  #failures = 0;
  #cancelRetry: (() => void) | null = null;
  #cancelWatch: (() => void) | null = null;
  /** The page lost the thread: the next hello claims to have nothing. */
  #isLost = false;

  constructor(ports: FeedPorts, listener: FeedListener) {
    this.#ports = ports;
    this.#listener = listener;
  }

  start(): void {
    this.#dial();
  }

  stop(): void {
    this.#cancelRetry?.();
    this.#abandon();
  }

  /** Dials at once where it would wait: the machine is back online, or someone looks at the page. */
  hurry(): void {
    if (this.#cancelRetry === null) return;
    this.#cancelRetry();
    this.#cancelRetry = null;
    this.#dial();
  }

  #dial(): void {
    this.#cancelRetry = null;
    this.#listener.onLink({ phase: "connecting" });
    const socket = this.#ports.openSocket();
    this.#socket = socket;
    this.#watch();
    socket.onopen = () => {
      this.#listener.onLink({ phase: "open" });
      this.#send({
        type: "hello",
        v: FEED_VERSION,
        have: this.#isLost ? null : this.#listener.have(),
      });
      this.#isLost = false;
    };
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => {
      if (code === feedCloseCodes.version) this.#listener.onOutdated();
      this.#redial();
    };
  }

  #receive(data: unknown): void {
    this.#watch();
    const frame = parseFrame(data);
    if (frame === null || !this.#listener.onFrame(frame)) {
      this.#isLost = true;
      this.#redial();
      return;
    }
    this.#failures = 0;
    if (frame.type === "pulse") this.#send({ type: "ack", seq: this.#listener.have()?.seq ?? 0 });
  }

  #redial(): void {
    this.#abandon();
    if (this.#cancelRetry !== null) return;
    const delayMs = reconnectDelayMs(this.#failures, this.#ports.random());
    this.#failures += 1;
    this.#listener.onLink({ phase: "waiting", retryAtMs: this.#ports.nowMs() + delayMs });
    this.#cancelRetry = this.#ports.after(delayMs, () => this.#dial());
  }

  #abandon(): void {
    this.#cancelWatch?.();
    this.#cancelWatch = null;
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  #watch(): void {
    this.#cancelWatch?.();
    this.#cancelWatch = this.#ports.after(SILENT_MS_MAX, () => this.#redial());
  }

  #send(request: FeedRequest): void {
    this.#socket?.send(JSON.stringify(request));
  }
}

const FRAME_TYPES: ReadonlySet<unknown> = new Set(["snapshot", "delta", "telemetry", "pulse"]);

/** The gateway is this page's own server, of the same build: its frames are not validated again. */
function parseFrame(data: unknown): FeedFrame | null {
  try {
    const frame: unknown = JSON.parse(String(data));
    const isFrame =
      typeof frame === "object" && frame !== null && "type" in frame && FRAME_TYPES.has(frame.type);
    return isFrame ? (frame as FeedFrame) : null;
  } catch {
    return null;
  }
}
