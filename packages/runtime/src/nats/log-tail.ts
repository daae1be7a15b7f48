import { BerthError, LOG_STREAM } from "@berth/protocol";
import {
  createInbox,
  isFlowControlMsg,
  isHeartbeatMsg,
  type JetStreamManager,
  type Msg,
  type NatsConnection,
  nanos,
  type Subscription as NatsSubscription,
} from "nats";
import type { Logger } from "../logger.ts";
import type { StoredEntry, Subscription } from "../ports.ts";
import type { NatsBus } from "./bus.ts";
import { replayFrom } from "./replay-consumer.ts";

export interface TailComponents {
  readonly bus: NatsBus;
  readonly manager: () => Promise<JetStreamManager>;
  readonly logger: Logger;
  readonly onEntry: (entry: StoredEntry) => void;
  readonly onGap: (cause: unknown) => void;
}

const IDLE_HEARTBEAT_MS = 1_000;
const SILENCE_MS_MAX = 3_500;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 1_000;
/** `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.…`; newer ones add two in front. */
const STREAM_SEQUENCE_FROM_END = 4;
const LAST_STREAM_SEQUENCE = "Nats-Last-Stream";

/**
 * Follows the log with a pushed consumer that lives on the server only as long as its deliveries
 * arrive without a hole. Whatever goes wrong (reconnect, restarted server, silence, a sequence that
 * is not the next one), the answer is the same: a new consumer from the next sequence on.
 */
export class NatsLogTail {
  readonly #components: TailComponents;
  readonly #status: Subscription;
  readonly #watchdog: NodeJS.Timeout;
  #nextSeq: number;
  #isStopped = false;
  /** Counts the attempts; what belongs to an earlier one is ignored. */
  #attempt = 0;
  #deliveries: NatsSubscription | null = null;
  #retry: NodeJS.Timeout | null = null;
  #retryMs = RETRY_MIN_MS;
  #heardAtMs = performance.now();

  constructor(components: TailComponents, fromSeq: number) {
    this.#components = components;
    this.#nextSeq = fromSeq;
    this.#status = components.bus.onStatus((status) => {
      if (status === "connected") this.#restart("connected");
    });
    this.#watchdog = setInterval(() => {
      const silenceMs = performance.now() - this.#heardAtMs;
      if (this.#deliveries !== null && silenceMs > SILENCE_MS_MAX) this.#restart("silence");
    }, IDLE_HEARTBEAT_MS);
    this.#restart("start");
  }

  stop(): void {
    this.#isStopped = true;
    this.#status.unsubscribe();
    clearInterval(this.#watchdog);
    this.#abandonAttempt();
  }

  #restart(reason: string): void {
    if (this.#isStopped) return;
    this.#abandonAttempt();
    this.#attempt += 1;
    const attempt = this.#attempt;
    this.#components.logger.debug("following the log", { reason, fromSeq: this.#nextSeq });
    this.#begin(attempt).catch((cause: unknown) => {
      if (attempt === this.#attempt) this.#restartLater(cause);
    });
  }

  async #begin(attempt: number): Promise<void> {
    const { bus, manager } = this.#components;
    const { consumers, streams } = await manager();
    const { state } = await bus.untilLost(streams.info(LOG_STREAM));
    if (attempt !== this.#attempt || this.#isStopped) return;
    if (state.first_seq > this.#nextSeq || state.last_seq < this.#nextSeq - 1) {
      const held = `${state.first_seq} to ${state.last_seq}`;
      this.#giveUp(
        new BerthError("log.unavailable", `no entry ${this.#nextSeq}: there are ${held}`),
      );
      return;
    }
    const { connection } = bus;
    if (connection === null) return;
    const inbox = this.#deliverTo(connection, attempt);
    await bus.untilLost(
      consumers.add(LOG_STREAM, {
        ...replayFrom(this.#nextSeq),
        deliver_subject: inbox,
        flow_control: true,
        idle_heartbeat: nanos(IDLE_HEARTBEAT_MS),
      }),
    );
    this.#retryMs = RETRY_MIN_MS;
  }

  #deliverTo(connection: NatsConnection, attempt: number): string {
    const inbox = createInbox(this.#components.bus.inboxPrefix);
    this.#heardAtMs = performance.now();
    this.#deliveries = connection.subscribe(inbox, {
      callback: (error, message) => {
        if (attempt !== this.#attempt || this.#isStopped) return;
        if (error === null) this.#receive(connection, message);
        else this.#restartLater(error);
      },
    });
    return inbox;
  }

  #receive(connection: NatsConnection, message: Msg): void {
    this.#heardAtMs = performance.now();
    if (isFlowControlMsg(message)) {
      if (message.reply) connection.publish(message.reply);
      return;
    }
    if (isHeartbeatMsg(message)) {
      const delivered = Number(message.headers?.get(LAST_STREAM_SEQUENCE) ?? 0);
      if (delivered >= this.#nextSeq) this.#restart("missed entries");
      return;
    }
    const seq = Number(message.reply?.split(".").at(-STREAM_SEQUENCE_FROM_END));
    if (seq < this.#nextSeq) return;
    if (seq !== this.#nextSeq) {
      this.#restart(`entry ${seq} came where ${this.#nextSeq} belongs`);
      return;
    }
    this.#nextSeq += 1;
    try {
      this.#components.onEntry({ seq, bytes: message.data });
    } catch (cause) {
      this.#giveUp(cause);
    }
  }

  #restartLater(cause: unknown): void {
    if (this.#isStopped) return;
    this.#components.logger.debug("cannot follow the log now", { cause });
    this.#abandonAttempt();
    this.#retry = setTimeout(() => this.#restart("retry"), this.#retryMs);
    this.#retryMs = Math.min(RETRY_MAX_MS, this.#retryMs * 2);
  }

  #giveUp(cause: unknown): void {
    this.stop();
    this.#components.onGap(cause);
  }

  #abandonAttempt(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    if (this.#components.bus.status !== "closed") this.#deliveries?.unsubscribe();
    this.#deliveries = null;
    this.#attempt += 1;
  }
}
