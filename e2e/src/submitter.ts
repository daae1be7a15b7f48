import { randomBytes } from "node:crypto";
import { subjects } from "@berth/protocol";
import type { Bus } from "@berth/runtime";

export interface SubmitterOptions {
  /** Submissions take turns on these. */
  readonly buses: readonly Bus[];
  /** Names are `<prefix>-<number>`. */
  readonly prefix: string;
  readonly intervalMs: number;
  /** Every so many submissions one runs a task; the others ask for none. 0: none does. */
  readonly taskEvery?: number;
}

/** A submission that the cluster accepted: from then on it must not be lost. */
export interface Accepted {
  readonly name: string;
  readonly sentAtMs: number;
  readonly acceptedAtMs: number;
}

const ATTEMPT_TIMEOUT_MS = 1_000;
const RETRY_MS = 10;
/** Beyond these nothing new is sent until one is answered. */
const UNANSWERED_MAX = 500;

/**
 * Clients that submit all the time, whether or not anybody answers: one workload every interval,
 * each repeated with the same request id until it is accepted.
 */
export class Submitter {
  readonly accepted: Accepted[] = [];
  readonly #options: SubmitterOptions;
  readonly #unanswered = new Set<Promise<void>>();
  readonly #listeners = new Set<(accepted: Accepted) => void>();
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;
  #count = 0;

  constructor(options: SubmitterOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.#next(), this.#options.intervalMs);
  }

  /** Settles with the first acceptance of a submission that was first sent after `sinceMs`. */
  acceptedAfter(sinceMs: number, timeoutMs: number): Promise<Accepted> {
    return new Promise((resolve, reject) => {
      const listen = (accepted: Accepted) => {
        if (accepted.sentAtMs < sinceMs) return;
        clearTimeout(timer);
        this.#listeners.delete(listen);
        resolve(accepted);
      };
      const timer = setTimeout(() => {
        this.#listeners.delete(listen);
        reject(new Error(`nothing was accepted within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#listeners.add(listen);
    });
  }

  /** Sends nothing new, and waits until everything sent is accepted or the time is over. */
  async finish(timeoutMs: number): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    const patience = new Promise((resolve) => setTimeout(resolve, timeoutMs).unref());
    await Promise.race([Promise.all(this.#unanswered), patience]);
    this.#isStopped = true;
  }

  #next(): void {
    if (this.#unanswered.size >= UNANSWERED_MAX) return;
    this.#count += 1;
    const submission: Promise<void> = this.#submit(this.#count).finally(() => {
      this.#unanswered.delete(submission);
    });
    this.#unanswered.add(submission);
  }

  async #submit(number: number): Promise<void> {
    const { buses, prefix, taskEvery = 0 } = this.#options;
    const name = `${prefix}-${number}`;
    const runs = taskEvery > 0 && number % taskEvery === 0;
    const request = {
      v: 1,
      requestId: randomBytes(12).toString("hex"),
      workloads: [runs ? batchWorkload(name) : emptyService(name)],
    };
    const sentAtMs = performance.now();
    for (let attempt = 0; !this.#isStopped; attempt += 1) {
      const bus = buses[(number + attempt) % buses.length];
      if (bus !== undefined && (await isAccepted(bus, request))) {
        const accepted = { name, sentAtMs, acceptedAtMs: performance.now() };
        this.accepted.push(accepted);
        for (const listen of this.#listeners) listen(accepted);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

async function isAccepted(bus: Bus, request: object): Promise<boolean> {
  try {
    const reply = await bus.request(subjects.api("workload.apply"), request, {
      timeoutMs: ATTEMPT_TIMEOUT_MS,
    });
    if (!isReply(reply)) throw new Error("the answer is no reply");
    if (reply.ok || reply.error?.retryable === true) return reply.ok;
    throw new Error(`refused for good: ${JSON.stringify(reply.error)}`);
  } catch (error) {
    if (error instanceof Error && "retryable" in error && error.retryable === true) return false;
    throw error;
  }
}

interface AnyReply {
  readonly ok: boolean;
  readonly error?: { readonly retryable: boolean };
}

function isReply(value: unknown): value is AnyReply {
  return typeof value === "object" && value !== null && "ok" in value;
}

function emptyService(name: string) {
  return { kind: "service", name, count: 0, task: { command: ["/bin/sleep", "100000"] } };
}

function batchWorkload(name: string) {
  return {
    kind: "batch",
    name,
    task: { command: ["/bin/true"] },
    resources: { cpu: "1m", memory: "1MiB" },
  };
}
