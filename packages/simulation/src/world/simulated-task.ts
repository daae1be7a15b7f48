import type { AllocationId, AllocationReport, DesiredAllocation } from "@berth/protocol";
import type { Phase } from "@berth/agent/conversation";

export type FinishedReport = Extract<AllocationReport, { state: "finished" }>;
export type Outcome = FinishedReport["outcome"];
export type Exit = FinishedReport["exit"];

/** How tasks of a simulated machine behave. Times in milliseconds, chances in thousandths. */
export interface TaskHabits {
  /** From the decision to start until the process is there. */
  readonly startMaxMs: number;
  readonly batchMinMs: number;
  readonly batchMaxMs: number;
  readonly failurePermille: number;
  /** Batches that end as soon as they have begun. */
  readonly hastyPermille: number;
  readonly stopMaxMs: number;
  /** Ignores its stop signal and has to be killed after the grace time. */
  readonly stubbornPermille: number;
  /** Until a service that has a check first passes it. */
  readonly warmUpMaxMs: number;
}

/**
 * A task as the machine knows it: its process, and its record on disk. Both outlive the agent; only
 * the record outlives a reboot.
 */
export class SimulatedTask {
  readonly allocation: DesiredAllocation;
  phase: Phase = "prepared";
  /** The next agent will find it. */
  isRecorded = true;
  /** Null until there is a process. */
  startedAtUnixMs: number | null = null;
  finished: FinishedReport | null = null;
  isAcknowledged = false;
  /** When it was asked to stop, if that is on disk. */
  stopAskedAtUnixMs: number | null = null;
  /** Ignores every signal but SIGKILL. */
  isHung = false;
  /** Its check passes from then on, in virtual time; and not while it is sick. */
  warmAtMs = 0;
  isSick = false;

  constructor(allocation: DesiredAllocation) {
    this.allocation = allocation;
  }

  get id(): AllocationId {
    return this.allocation.allocationId;
  }

  /** There is a process on the machine. */
  get isAlive(): boolean {
    return this.phase === "running" || (this.phase === "stopping" && this.startedAtUnixMs !== null);
  }

  get isBatch(): boolean {
    return this.allocation.task.env["SIM_KIND"] === "batch";
  }

  end(outcome: Outcome, exit: Exit, atUnixMs: number): void {
    this.phase = "finished";
    this.finished = {
      state: "finished",
      allocationId: this.id,
      outcome,
      exit,
      startedAtUnixMs: this.startedAtUnixMs,
      finishedAtUnixMs: atUnixMs,
      message: null,
    };
  }
}
