import {
  type ApiMethod,
  BerthError,
  type Reply,
  type RequestId,
  subjects,
  type WorkloadInput,
} from "@berth/protocol";
import type { Bus, Clock, Random } from "@berth/runtime";
import type { Acknowledged } from "../judge/promises.ts";
import type { Link } from "./link.ts";

const REQUEST_TIMEOUT_MS = 5_000;
const RETRY_MS = 500;
/** A request that nobody ever answered within this is given up, and counts as nothing. */
const PATIENCE_MS = 60_000;

/** A person with the command line: makes requests, repeats them under the same id, remembers answers. */
export class SimulatedOperator {
  readonly link: Link;
  private readonly bus: Bus;
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly onAcknowledged: (acknowledged: Acknowledged) => void;
  private readonly onDifferentAnswer: (requestId: RequestId) => void;
  private readonly applied = new Map<string, WorkloadInput>();
  private requests = 0;
  /** Requests under way. */
  pending = 0;
  acknowledged = 0;
  refused = 0;
  unanswered = 0;

  constructor(options: {
    link: Link;
    bus: Bus;
    clock: Clock;
    random: Random;
    onAcknowledged: (acknowledged: Acknowledged) => void;
    onDifferentAnswer: (requestId: RequestId) => void;
  }) {
    this.link = options.link;
    this.bus = options.bus;
    this.clock = options.clock;
    this.random = options.random;
    this.onAcknowledged = options.onAcknowledged;
    this.onDifferentAnswer = options.onDifferentAnswer;
  }

  /** What it last submitted under that name; null when it never did. */
  lastApplied(name: string): WorkloadInput | null {
    return this.applied.get(name) ?? null;
  }

  apply(workloads: WorkloadInput[]): void {
    for (const workload of workloads) this.applied.set(workload.name, workload);
    this.write("workload.apply", { workloads });
  }

  write(method: ApiMethod, params: object): void {
    this.requests += 1;
    const requestId = `sim-request-${String(this.requests).padStart(6, "0")}` as RequestId;
    this.pending += 1;
    void this.persist(method, params, requestId).finally(() => {
      this.pending -= 1;
    });
  }

  private async persist(method: ApiMethod, params: object, requestId: RequestId): Promise<void> {
    const deadline = this.clock.monotonicMs() + PATIENCE_MS;
    while (this.clock.monotonicMs() < deadline) {
      const reply = await this.ask(method, params, requestId);
      if (reply === null || (!reply.ok && reply.error.retryable)) {
        await this.pause(RETRY_MS);
        continue;
      }
      if (!reply.ok) {
        this.refused += 1;
        return;
      }
      this.acknowledged += 1;
      this.onAcknowledged({ requestId, method, value: reply.value });
      await this.askAgain(method, params, requestId, reply.value);
      return;
    }
    this.unanswered += 1;
  }

  /** Sometimes the same request is sent once more: it must get the same answer. */
  private async askAgain(
    method: ApiMethod,
    params: object,
    requestId: RequestId,
    first: unknown,
  ): Promise<void> {
    if (this.random.below(4) !== 0) return;
    const again = await this.ask(method, params, requestId);
    if (again?.ok && JSON.stringify(again.value) !== JSON.stringify(first)) {
      this.onDifferentAnswer(requestId);
    }
  }

  private async ask(
    method: ApiMethod,
    params: object,
    requestId: RequestId,
  ): Promise<Reply<unknown> | null> {
    try {
      const body = { v: 1, requestId, ...params };
      const timeoutMs = REQUEST_TIMEOUT_MS;
      return (await this.bus.request(subjects.api(method), body, { timeoutMs })) as Reply<unknown>;
    } catch (error) {
      if (error instanceof BerthError) return null;
      throw error;
    }
  }

  private pause(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.after(durationMs, resolve);
    });
  }
}
