import { BerthError } from "@berth/protocol";
import type { Clock, Lease, Log, Timer } from "@berth/runtime";
import type { MemoryBus } from "@berth/runtime/memory";

const REQUEST_TIMEOUT_MS = 500;

/**
 * A process in a test: it can stand still, and then gets everything at once, and it can be cut off
 * from the engine. What happens to it from outside goes through here.
 */
export class TestProcess {
  readonly clock: Clock;
  /** How often it read the log from some sequence on, as opposed to following it. */
  reads = 0;
  readonly #world: Clock;
  #waiting: (() => void)[] | null = null;
  #isDead = false;
  #isCutOff = false;
  #bus: MemoryBus | null = null;

  constructor(world: Clock) {
    this.#world = world;
    this.clock = {
      nowUnixMs: () => world.nowUnixMs(),
      monotonicMs: () => world.monotonicMs(),
      after: (delayMs, run) => world.after(delayMs, () => this.run(run)),
      every: (intervalMs, run): Timer => world.every(intervalMs, () => this.run(run)),
    };
  }

  freeze(): void {
    this.#waiting ??= [];
  }

  thaw(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const run of waiting) run();
  }

  /** As by `kill -9`. */
  kill(): void {
    this.#isDead = true;
    void this.#bus?.close();
  }

  setCutOff(isCutOff: boolean): void {
    this.#isCutOff = isCutOff;
    this.#bus?.setConnected(!isCutOff);
  }

  uses(bus: MemoryBus): void {
    this.#bus = bus;
  }

  run(act: () => void): void {
    if (this.#isDead) return;
    if (this.#waiting === null) act();
    else this.#waiting.push(act);
  }

  log(log: Log): Log {
    return {
      append: (bytes, expectedLastSeq) =>
        this.#isCutOff
          ? this.#late({ result: "ambiguous", cause: "cut off" })
          : this.#arriving(log.append(bytes, expectedLastSeq)),
      bounds: () => (this.#isCutOff ? this.#unreachable() : this.#arriving(log.bounds())),
      read: (fromSeq) => {
        this.reads += 1;
        return log.read(fromSeq);
      },
      tail: (fromSeq, onEntry, onGap) =>
        log.tail(
          fromSeq,
          (entry) => this.#deliver(() => onEntry(entry)),
          (cause) => this.#deliver(() => onGap(cause)),
        ),
    };
  }

  lease(lease: Lease): Lease {
    return {
      ttlMs: lease.ttlMs,
      observe: () => (this.#isCutOff ? this.#unreachable() : this.#arriving(lease.observe())),
      put: (body, expectedSeq) =>
        this.#isCutOff
          ? this.#late({ result: "unknown", cause: "cut off" })
          : this.#arriving(lease.put(body, expectedSeq)),
    };
  }

  /** A connection repeats what it could not deliver once it is back. */
  #deliver(act: () => void): void {
    if (!this.#isCutOff) this.run(act);
    else this.#world.after(REQUEST_TIMEOUT_MS, () => this.#deliver(act));
  }

  #arriving<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => this.#deliver(() => resolve(value)),
        (cause: Error) => this.#deliver(() => reject(cause)),
      );
    });
  }

  #late<T>(value: T): Promise<T> {
    return new Promise((resolve) => {
      this.clock.after(REQUEST_TIMEOUT_MS, () => resolve(value));
    });
  }

  async #unreachable(): Promise<never> {
    await this.#late(null);
    throw new BerthError("log.unavailable", "cut off", { retryable: true });
  }
}
