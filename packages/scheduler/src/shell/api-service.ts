import {
  api,
  apiMethodOf,
  type ApiMethod,
  apiMethods,
  type ApiParams,
  MESSAGE_VERSION,
  subjects,
} from "@berth/protocol";
import type { Bus, Clock, Logger, Message, Storage, Subscription } from "@berth/runtime";
import { handleCommand, handleQuery, type ReadMethod, type WriteMethod } from "../core/index.ts";
import { accept, acceptBounded, invalidRequest, refuse, type Respond } from "./answer.ts";
import { EntryJournal } from "./entry-journal.ts";
import { EventWaiters } from "./event-waiters.ts";
import { refusal, refusals } from "./refusal.ts";
import type { Reign } from "./reign.ts";
import { type Present, type Standing, stateOf } from "./standing.ts";

export interface ApiComponents {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly standing: () => Standing;
  /** Absent where the log's disk is out of sight. */
  readonly storage?: Storage | undefined;
}

/**
 * `berth.api.<method>`: decodes and validates, has the core decide, and answers once the log has
 * everything the answer rests on.
 */
export class ApiService {
  readonly #components: ApiComponents;
  readonly #waiters: EventWaiters;

  constructor(components: ApiComponents) {
    this.#components = components;
    this.#waiters = new EventWaiters(components.clock, (params, respond, isLast) =>
      this.#answerEvents(params, respond, isLast),
    );
  }

  listen(): Subscription {
    return this.#components.bus.subscribe(subjects.apiAll, (message) => this.#receive(message));
  }

  /** There may be events that someone waits for. */
  onDurable(): void {
    this.#waiters.retry();
  }

  /** Answers everyone who waits for events: there will be none from this reign. */
  stopWaiting(): void {
    this.#waiters.expireAll();
  }

  #receive({ subject, body, respond }: Message): void {
    const { logger } = this.#components;
    if (respond === null) {
      logger.count("api.unanswerable", "a request came without a way to answer it", { subject });
      return;
    }
    const method = apiMethodOf(subject);
    if (!isMethod(method)) {
      const details = { methods: apiMethods };
      refuse(respond, refusal("not_found", `there is no method '${method}'`, { details }));
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
    if (isWrite(method)) this.#write(method, params.data as ApiParams<WriteMethod>, respond);
    else if (method === "event.list") {
      this.#waiters.add(params.data as ApiParams<"event.list">, respond);
    } else {
      this.#read(method, params.data, respond);
    }
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
    if (!EntryJournal.canHold(decision.events)) {
      return refuse(respond, refusal("invalid", "the request does not fit one entry of the log"));
    }
    reign.record(decision.events);
    const value = structuredClone(decision.reply(reign.state.seq));
    this.#hold(reign, () => accept(respond, value), respond);
  }

  #read(method: ReadMethod, params: ApiParams<ReadMethod>, respond: Respond): void {
    const standing = this.#components.standing();
    if (standing.mode === "away") return refuse(respond, standing.refusal);
    const state = stateOf(standing);
    const at = { nowUnixMs: this.#components.clock.nowUnixMs() };
    const result = handleQuery(state, method, params, at);
    if (!result.ok) this.#send(standing, respond, () => refuse(respond, result.error));
    else {
      const isReady = standing.mode === "leading";
      const value =
        method === "cluster.status" ? { ...result.value, ready: isReady } : result.value;
      this.#sendValue(standing, respond, value);
    }
  }

  /** Answers with the events there are; false when there are none and it is not the last chance. */
  #answerEvents(params: ApiParams<"event.list">, respond: Respond, isLast: boolean): boolean {
    const standing = this.#components.standing();
    if (standing.mode === "away") {
      refuse(respond, standing.refusal);
      return true;
    }
    const at = { nowUnixMs: this.#components.clock.nowUnixMs() };
    const result = handleQuery(stateOf(standing), "event.list", params, at);
    if (!result.ok) refuse(respond, result.error);
    else if (result.value.events.length === 0 && !result.value.gap && !isLast) return false;
    else this.#sendValue(standing, respond, result.value);
    return true;
  }

  /** What is answered later must not be changed by what happens meanwhile: it is copied. */
  #sendValue(standing: Present, respond: Respond, value: unknown): void {
    const isNow = standing.mode === "reading" || standing.reign.isDurable;
    const kept = isNow ? value : structuredClone(value);
    this.#send(standing, respond, () => acceptBounded(respond, kept));
  }

  #send(standing: Present, respond: Respond, send: () => void): void {
    if (standing.mode === "reading") return send();
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
