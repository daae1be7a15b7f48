import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Clock, Logger, Timer } from "@berth/runtime";
import { NVIDIA_FORMAT, type NvidiaColumn, nvidiaQuery } from "../../core/hardware/nvidia-query.ts";
import { type NvidiaRound, NvidiaRounds } from "../../core/hardware/nvidia-rounds.ts";
import { agentTimings } from "../../limits.ts";

export interface NvidiaLoopOptions {
  readonly program: string;
  readonly columns: readonly NvidiaColumn[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly intervalMs: number;
  readonly onRound: (round: NvidiaRound) => void;
  /** The tool ended, or is silent: nothing is known of any device until the next round. */
  readonly onSilence: () => void;
}

/**
 * One `nvidia-smi` that repeats its listing for ever: a start of the tool costs seconds on a server
 * with many devices, a repetition next to nothing. It is started again when it ends, ever more rarely
 * when it ends at once, and killed when it falls silent. When the agent is killed, the tool ends by itself:
 * nobody reads what it writes.
 */
export class NvidiaLoop {
  readonly #options: NvidiaLoopOptions;
  #child: ChildProcess | null = null;
  #watchdog: Timer | null = null;
  #restart: Timer | null = null;
  #waitMs: number = agentTimings.gpuLoopRestartMinMs;
  #isStopped = false;

  constructor(options: NvidiaLoopOptions) {
    this.#options = options;
    this.#start();
  }

  stop(): void {
    this.#isStopped = true;
    this.#watchdog?.cancel();
    this.#restart?.cancel();
    this.#child?.kill("SIGKILL");
  }

  #start(): void {
    const { program, columns, intervalMs } = this.#options;
    const args = [nvidiaQuery(columns), NVIDIA_FORMAT, `--loop-ms=${intervalMs}`];
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] });
    this.#child = child;
    const rounds = new NvidiaRounds(columns);
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (this.#child !== child) return;
      this.#watch(intervalMs * SILENT_ROUNDS_MAX);
      const round = rounds.add(line);
      if (round === null) return;
      this.#waitMs = agentTimings.gpuLoopRestartMinMs;
      this.#options.onRound(round);
    });
    child.once("error", () => this.#ended(child));
    child.once("close", () => this.#ended(child));
    this.#watch(agentTimings.gpuProbeTimeoutMs);
  }

  /** A tool that hangs in the driver may not even die; another is started beside it. */
  #watch(afterMs: number): void {
    this.#watchdog?.cancel();
    this.#watchdog = this.#options.clock.after(afterMs, () => {
      const child = this.#child;
      child?.kill("SIGKILL");
      if (child) this.#ended(child);
    });
  }

  #ended(child: ChildProcess): void {
    if (this.#child !== child) return;
    this.#child = null;
    this.#watchdog?.cancel();
    if (this.#isStopped) return;
    const { clock, logger, onSilence } = this.#options;
    logger.count("nvidia-smi", "nvidia-smi ended or is silent", { retryMs: this.#waitMs });
    this.#restart = clock.after(this.#waitMs, () => this.#start());
    this.#waitMs = Math.min(this.#waitMs * 2, agentTimings.gpuLoopRestartMaxMs);
    onSilence();
  }
}

const SILENT_ROUNDS_MAX = 4;
