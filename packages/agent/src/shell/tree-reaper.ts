import type { Clock, Timer } from "@berth/runtime";
import { agentTimings } from "../limits.ts";
import type { ProcessTable } from "./process-table.ts";
import type { TaskProcesses } from "./task-processes.ts";

export interface TreeReaperOptions {
  readonly processes: TaskProcesses;
  readonly table: ProcessTable;
  readonly clock: Clock;
  /** Brings what is known of the task up to date. */
  readonly look: () => void;
  /** How the main process ended is known: only the rest of the tree is waited for. */
  readonly isEndKnown: () => boolean;
  /** The end is known and nothing is left. */
  readonly onGone: () => void;
  /** SIGKILL has not helped for long: processes that wait for a device, or of another user. */
  readonly onStubborn: (processes: number) => void;
}

/** Ends a task's tree: waits out its grace, then kills until nothing is left. */
export class TreeReaper {
  readonly #options: TreeReaperOptions;
  #timer: Timer | null = null;
  /** Monotonic; null while the tree may live. */
  #killAtMs: number | null = null;

  constructor(options: TreeReaperOptions) {
    this.#options = options;
  }

  get isActive(): boolean {
    return this.#killAtMs !== null;
  }

  /** The tree may go on this long. Said again, the earlier moment counts. */
  killAfter(graceMs: number): void {
    const untilMs = this.#options.clock.monotonicMs() + graceMs;
    this.#killAtMs = Math.min(this.#killAtMs ?? untilMs, untilMs);
    this.#reapIn(Math.min(graceMs, agentTimings.killIntervalMs));
  }

  stop(): void {
    this.#timer?.cancel();
    this.#killAtMs = null;
  }

  #reapIn(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(delayMs, () => this.#reap());
  }

  #reap(): void {
    const { clock, look, isEndKnown, processes, onGone, onStubborn } = this.#options;
    look();
    if (this.#killAtMs === null) return;
    const lateMs = clock.monotonicMs() - this.#killAtMs;
    if (lateMs < 0 && !isEndKnown()) {
      // The watch announces the end; the looks in between are for a shim that was killed.
      return this.#reapIn(Math.min(-lateMs, agentTimings.orphanLookMs));
    }
    const left = lateMs < 0 ? processes.find().length : processes.signal("SIGKILL");
    if (left === 0 && isEndKnown() && processes.release()) return onGone();
    if (left === 0) this.#hurryShim(lateMs);
    const isStubborn = lateMs > agentTimings.killUrgentMs;
    if (isStubborn && left > 0) onStubborn(left);
    this.#reapIn(isStubborn ? agentTimings.killStubbornIntervalMs : agentTimings.killIntervalMs);
  }

  /** The tree is gone and its shim has recorded nothing: it is stopped, or it never will. */
  #hurryShim(lateMs: number): void {
    const { processes, table } = this.#options;
    if (processes.shim === null) return;
    table.signal(processes.shim, lateMs > agentTimings.shimRecordMs ? "SIGKILL" : "SIGCONT");
  }
}
