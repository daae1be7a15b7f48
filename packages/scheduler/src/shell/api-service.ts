import {
  api,
  apiMethodOf,
  type ApiMethod,
  apiMethods,
  type ApiParams,
  limits,
  MESSAGE_VERSION,
  ReadEnvelope,
  READERS_QUEUE,
  subjects,
} from "@berth/protocol";
import type { Bus, Clock, Logger, Message, Storage, Subscription } from "@berth/runtime";
import {
  handleCommand,
  handleLongQuery,
  handleQuery,
  isLong,
  type LongMethod,
  type ReadMethod,
  type WriteMethod,
} from "../core/index.ts";
import { accept, acceptBounded, invalidRequest, refuse, type Respond } from "./answer.ts";
import { EventWaiters } from "./event-waiters.ts";
import { shellLimits, shellTimings } from "./limits.ts";
import { LongReads } from "./long-reads.ts";
import { refusal, refusals } from "./refusal.ts";
import type { Reign } from "./reign.ts";
import { SeqWaiters } from "./seq-waiters.ts";
import { type Present, type Standing, stateOf } from "./standing.ts";

export interface ApiComponents {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly standing: () => Standing;
  /** Whether some scheduler accepts writes, as far as this one knows. */
  readonly isReady: () => boolean;
  /** How long ago this process last heard of the lease: its state may be older than that. */
  readonly silenceMs: () => number;
  /** Absent where the log's disk is out of sight. */
  readonly storage?: Storage | undefined;
}

/** What a reply has beside the entries of a listing. */
const REPLY_FRAME_BYTES_MAX = 1_024;

/**
 * `berth.api.<method>`: decodes and validates, has the core decide, and answers once the log has
 * everything the answer rests on.
 */
export class ApiService {
  readonly #components: ApiComponents;
  readonly #waiters: EventWaiters;
  readonly #reads: SeqWaiters;
  readonly #longReads: LongReads;

  constructor(components: ApiComponents) {
    this.#components = components;
    this.#reads = new SeqWaiters(components.clock);
    this.#longReads = new LongReads(components.clock);
    this.#waiters = new EventWaiters(components.clock, (params, respond, isLast) =>
      this.#answerEvents(params, respond, isLast),
    );
  }

  /** Each read goes to one of the schedulers that have a state. */
  listenToReads(): Subscription {
    const { bus } = this.#components;
    const subscriptions = apiMethods
      .filter((method) => !isWrite(method))
      .map((method) =>
        bus.subscribe(subjects.api(method), (message) => this.#receive(method, message), {
          queue: READERS_QUEUE,
        }),
      );
    return {
      unsubscribe() {
        for (const subscription of subscriptions) subscription.unsubscribe();
      },
    };
  }

  /** Writes, and what no version of this program knows: one scheduler answers them. */
  listenToWrites(): Subscription {
    return this.#components.bus.subscribe(subjects.apiAll, (message) => {
      const method = apiMethodOf(message.subject);
      if (!isMethod(method)) {
        const details = { methods: apiMethods };
        const error = refusal("not_found", `there is no method '${method}'`, { details });
        if (message.respond !== null) refuse(message.respond, error);
      } else if (isWrite(method)) this.#receive(method, message);
    });
  }

  /** The state reflects the log up to here: someone may wait for that, or for events in it. */
  onProgress(seq: number): void {
    this.#reads.reached(seq);
    this.#waiters.retry();
  }

  /** Answers everyone who waits: nothing more will come of this state. */
  stopWaiting(): void {
    this.#reads.giveUp();
    this.#longReads.giveUpAll();
    this.#waiters.expireAll();
  }

  #receive(method: ApiMethod, { subject, body, respond }: Message): void {
    const { logger } = this.#components;
    if (respond === null) {
      logger.count("api.unanswerable", "a request came without a way to answer it", { subject });
      return;
    }
    try {
      this.#handle(method, body, respond);
    } catch (cause) {
      logger.error("a request failed", { method, cause });
      refuse(respond, refusals.internal());
    }
  }

  #handle(method: ApiMethod, body: unknown, respond: Respond): void {
    const standing = this.#components.standing();
    if (standing.mode === "away") return refuse(respond, standing.refusal);
    const version = typeof body === "object" && body !== null && "v" in body ? body.v : undefined;
    if (version !== MESSAGE_VERSION) {
      const found = version === undefined ? "no version" : `version ${JSON.stringify(version)}`;
      const message = `the request has ${found}; this scheduler understands v: ${MESSAGE_VERSION}`;
      return refuse(respond, refusal("invalid", message));
    }
    const params = api[method].request.safeParse(body, { reportInput: true });
    if (!params.success) return refuse(respond, invalidRequest(method, params.error));
    if (isWrite(method)) {
      return this.#write(method, params.data as ApiParams<WriteMethod>, respond);
    }
    const envelope = ReadEnvelope.safeParse(body, { reportInput: true });
    if (!envelope.success) return refuse(respond, invalidRequest(method, envelope.error));
    this.#whenRead(standing, envelope.data.atLeastSeq, respond, () => {
      if (method !== "event.list") {
        this.#read(method, params.data as ApiParams<ReadMethod>, respond);
      } else this.#waiters.add(params.data as ApiParams<"event.list">, respond);
    });
  }

  /** Answers once the state reflects `atLeastSeq`, within bounds of time and number. */
  #whenRead(standing: Present, atLeastSeq: number, respond: Respond, answer: () => void): void {
    const { seq } = stateOf(standing);
    if (seq >= atLeastSeq) return answer();
    const refuseBehind = () => refuse(respond, refusals.behind(seq, atLeastSeq));
    if (this.#reads.size >= shellLimits.readsWaitingMax) return refuseBehind();
    this.#reads.add(atLeastSeq, shellTimings.readWaitMsMax, (isReached) => {
      if (isReached) answer();
      else refuseBehind();
    });
  }

  #write(method: WriteMethod, params: ApiParams<WriteMethod>, respond: Respond): void {
    const standing = this.#components.standing();
    if (standing.mode !== "leading") return refuse(respond, standing.refusal);
    const { reign } = standing;
    const overload = reign.overload();
    if (overload !== null) return refuse(respond, overload);
    const shortage = this.#components.storage?.shortage() ?? null;
    if (shortage !== null) return refuse(respond, refusals.logFull(shortage));
    const at = { nowUnixMs: this.#components.clock.nowUnixMs() };
    const decision = handleCommand(reign.state, method, params, at);
    if (!decision.ok) return this.#hold(reign, () => refuse(respond, decision.error), respond);
    if (!reign.tryRecord(decision.events)) {
      return refuse(respond, refusal("invalid", "the request does not fit one entry of the log"));
    }
    const { seq } = reign.state;
    const value = decision.reply(seq); // what is in the log does not change any more
    this.#hold(reign, () => accept(respond, value, seq), respond);
  }

  #read(method: ReadMethod, params: ApiParams<ReadMethod>, respond: Respond): void {
    const standing = this.#components.standing();
    if (standing.mode === "away") return refuse(respond, standing.refusal);
    const outdated = this.#outdated(standing);
    if (outdated !== null) return refuse(respond, outdated);
    if (isLong(method)) {
      return this.#readLong(standing, method, params as ApiParams<LongMethod>, respond);
    }
    const result = handleQuery(stateOf(standing), method, params, this.#queryContext());
    if (!result.ok) return this.#send(standing, respond, () => refuse(respond, result.error));
    const { value } = result;
    const isStatus = method === "cluster.status";
    this.#sendValue(
      standing,
      respond,
      isStatus ? { ...value, ready: this.#components.isReady() } : value,
    );
  }

  /** Answered from the state as it is now, when that is worked out and the log has that state. */
  #readLong(
    begun: Present,
    method: LongMethod,
    params: ApiParams<LongMethod>,
    respond: Respond,
  ): void {
    const { logger } = this.#components;
    if (this.#longReads.isFull) {
      return refuse(respond, refusals.overloaded("long reads", shellLimits.longReadsMax));
    }
    const work = handleLongQuery(stateOf(begun), method, params, this.#queryContext());
    this.#longReads.add(work, {
      onDone: (result, tookMs) => {
        const send = () =>
          result.ok
            ? acceptBounded(respond, { ...result.value, tookMs }, result.value.seq)
            : refuse(respond, result.error);
        this.#sendIfStill(begun, respond, send);
      },
      onFailed: (cause) => {
        logger.error("a long read failed", { method, cause });
        refuse(respond, refusals.internal());
      },
      onGivenUp: () => refuse(respond, refusals.notLeader("it has lost its state meanwhile")),
    });
  }

  /** A reign that has ended since may have left changes behind that the log never got. */
  #sendIfStill(begun: Present, respond: Respond, send: () => void): void {
    if (begun.mode === "following") return send();
    const now = this.#components.standing();
    const isStill = now.mode === "leading" && now.reign === begun.reign;
    if (isStill) this.#send(now, respond, send);
    else refuse(respond, refusals.notLeader("it has stopped leading meanwhile"));
  }

  /** A replica that lost touch may answer from a state of long ago; it says so instead. */
  #outdated({ mode }: Present): ReturnType<typeof refusals.notLeader> | null {
    const silenceMs = this.#components.silenceMs();
    if (mode === "leading" || silenceMs <= shellTimings.readStalenessMsMax) return null;
    return refusals.notLeader("it has lost touch with the cluster's log");
  }

  #queryContext() {
    const nowUnixMs = this.#components.clock.nowUnixMs();
    return { nowUnixMs, replyBytesMax: limits.messageBytesMax - REPLY_FRAME_BYTES_MAX };
  }

  /** Answers with the events there are; false when there are none and it is not the last chance. */
  #answerEvents(params: ApiParams<"event.list">, respond: Respond, isLast: boolean): boolean {
    const standing = this.#components.standing();
    if (standing.mode === "away") {
      refuse(respond, standing.refusal);
      return true;
    }
    const context = this.#queryContext();
    const result = handleQuery(stateOf(standing), "event.list", params, context);
    if (!result.ok) refuse(respond, result.error);
    else if (result.value.events.length === 0 && !result.value.gap && !isLast) return false;
    else this.#sendValue(standing, respond, result.value);
    return true;
  }

  /** What is answered later must not be changed by what happens meanwhile: it is copied. */
  #sendValue(standing: Present, respond: Respond, value: unknown): void {
    const isNow = standing.mode === "following" || standing.reign.isDurable;
    const kept = isNow ? value : structuredClone(value);
    const { seq } = stateOf(standing);
    this.#send(standing, respond, () => acceptBounded(respond, kept, seq));
  }

  #send(standing: Present, respond: Respond, send: () => void): void {
    if (standing.mode === "following") return send();
    const overload = standing.reign.isDurable ? null : standing.reign.overload();
    if (overload !== null) return refuse(respond, overload);
    this.#hold(standing.reign, send, respond);
  }

  #hold(reign: Reign, send: () => void, respond: Respond): void {
    reign.whenDurable(send, (error) => refuse(respond, error));
  }
}

function isMethod(name: string | null): name is ApiMethod {
  return name !== null && Object.hasOwn(api, name);
}

function isWrite(method: ApiMethod): method is WriteMethod {
  return api[method].kind === "write";
}
