import type { Gpu } from "@berth/protocol";
import type { Clock } from "@berth/runtime";
import type { GpuUse } from "../../core/hardware/nvidia-query.ts";
import { withLost } from "../../core/hardware/lost-gpus.ts";
import { agentTimings } from "../../limits.ts";
import type { GpuSource } from "./gpu-source.ts";

export interface AskedGpusOptions {
  readonly tool: string;
  readonly clock: Clock;
  readonly ask: () => Promise<readonly Gpu[]>;
  /** Changes when a device comes or goes, and costs nothing. */
  readonly presence: () => string;
}

/**
 * Devices whose vendor's tool is asked now and then: a question to it costs a second of a processor.
 * One that was listed once stays in the list for as long as the agent runs.
 */
export class AskedGpus implements GpuSource {
  readonly use: ReadonlyMap<string, GpuUse> = new Map();
  readonly #options: AskedGpusOptions;
  #gpus: readonly Gpu[] = [];
  #presence: string | null = null;
  #dueAtMs = 0;

  constructor(options: AskedGpusOptions) {
    this.#options = options;
  }

  async look(): Promise<readonly Gpu[]> {
    const { tool, clock, ask, presence } = this.#options;
    const isDue = this.#gpus.length > 0 && clock.monotonicMs() >= this.#dueAtMs;
    const present = presence();
    if (present !== this.#presence || isDue) {
      this.#presence = present;
      this.#gpus = withLost(this.#gpus, await ask(), tool);
      this.#dueAtMs = clock.monotonicMs() + agentTimings.gpuAskIntervalMs;
    }
    return this.#gpus;
  }

  onChange(): void {}

  stop(): void {}
}
