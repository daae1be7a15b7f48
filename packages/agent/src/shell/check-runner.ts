import type { CheckSpec, Health } from "@berth/protocol";
import type { Clock, Timer } from "@berth/runtime";
import {
  afterProbe,
  type CheckState,
  initialCheck,
  nextProbeDelayMs,
} from "../core/check-health.ts";
import { agentTimings } from "../limits.ts";
import { probe } from "./probe.ts";

export interface CheckRunnerOptions {
  readonly check: CheckSpec;
  readonly ports: Readonly<Record<string, number>>;
  readonly startedAtUnixMs: number;
  /** What an earlier agent last knew; null for a new task. */
  readonly known: Health | null;
  readonly clock: Clock;
  readonly onChange: (state: CheckState) => void;
}

/** Runs an allocation's check for as long as it runs, one probe at a time. */
export class CheckRunner {
  readonly #options: CheckRunnerOptions;
  #state: CheckState;
  #probes = 0;
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(options: CheckRunnerOptions) {
    this.#options = options;
    const initial = initialCheck(options.check);
    this.#state = options.known === null ? initial : { ...initial, health: options.known };
    this.#schedule();
  }

  get state(): CheckState {
    return this.#state;
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    const { check, clock } = this.#options;
    const delayMs = nextProbeDelayMs(
      this.#state,
      check,
      this.#probes,
      agentTimings.firstCheckDelayMs,
    );
    this.#timer = clock.after(delayMs, () => void this.#probeOnce());
  }

  async #probeOnce(): Promise<void> {
    const { check, ports, clock, startedAtUnixMs, onChange } = this.#options;
    const result = await probe(check, ports);
    if (this.#isStopped) return;
    this.#probes += 1;
    const before = this.#state;
    this.#state = afterProbe(before, check, result, clock.nowUnixMs() - startedAtUnixMs);
    if (before.health !== this.#state.health) onChange(this.#state);
    this.#schedule();
  }
}
