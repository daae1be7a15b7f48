import {
  api,
  type ApiParams,
  type ApiReply,
  BerthError,
  type ClusterStatus,
  limits,
  type Upstream,
} from "@berth/protocol";
import { handleQuery, type ReadMethod } from "@berth/scheduler/state";
import type { Clock } from "@berth/runtime";
import type { z } from "zod";
import type { Replica } from "../replica.ts";

export interface ReadApiComponents {
  readonly replica: Pick<Replica, "current">;
  readonly clock: Clock;
  readonly readUpstream: () => Upstream;
}

/** The cluster's reads, answered from this process's own copy of the state. */
export class ReadApi {
  readonly #components: ReadApiComponents;

  constructor(components: ReadApiComponents) {
    this.#components = components;
  }

  /**
   * Validates and answers. Throws a `BerthError`: `invalid`, `not_found`, or `log.unavailable`
   * while there is no state yet.
   */
  query<M extends ReadMethod>(method: M, params: unknown): ApiReply<M> {
    const { replica, clock } = this.#components;
    const parsed = parseQuery(api[method].request, params);
    if (replica.current === null) {
      throw new BerthError("log.unavailable", "the console is still reading the log", {
        retryable: true,
      });
    }
    const at = { nowUnixMs: clock.nowUnixMs() };
    const result = handleQuery(replica.current.state, method, parsed as ApiParams<M>, at);
    if (!result.ok) throw BerthError.fromWire(result.error);
    return result.value;
  }

  /** `ready` here says that a leader answers now and that this copy keeps up with it. */
  status(): ClusterStatus {
    const status = this.query("cluster.status", {});
    return { ...status, ready: status.ready && this.#components.readUpstream().status === "live" };
  }

  /** Events after a position; waits up to `waitMs` for the first one. */
  async events(params: unknown, abort: AbortSignal): Promise<ApiReply<"event.list">> {
    const { waitMs } = parseQuery(api["event.list"].request, params);
    const deadlineMs =
      this.#components.clock.monotonicMs() + Math.min(waitMs, limits.longPollMsMax);
    for (;;) {
      const page = this.query("event.list", params);
      const leftMs = deadlineMs - this.#components.clock.monotonicMs();
      if (page.events.length > 0 || leftMs <= 0 || abort.aborted) return page;
      await this.#pause(Math.min(leftMs, EVENT_POLL_MS));
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.#components.clock.after(delayMs, resolve));
  }
}

const EVENT_POLL_MS = 100;

/** Throws a `BerthError` `invalid` that names the first thing wrong. */
export function parseQuery<T extends z.ZodType>(schema: T, query: unknown): z.output<T> {
  const parsed = schema.safeParse(query);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.map(String).join(".") || "query";
  throw new BerthError("invalid", `${where}: ${issue?.message ?? "not what was expected"}`);
}
