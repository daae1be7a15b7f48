import type { AllocationReport, Exit } from "@berth/protocol";

const SIGNAL_BASE = 128;
const SIGNAL_MAX = 64;

/**
 * A shell's wait status as an exit. Above 128 it is read as a signal, as every shell does: a
 * program that itself exits with 143 cannot be told from one that SIGTERM ended.
 */
export function exitOfStatus(status: number, signalNames: ReadonlyMap<number, string>): Exit {
  const signal = status - SIGNAL_BASE;
  if (signal < 1 || signal > SIGNAL_MAX) return { kind: "code", code: status };
  return { kind: "signal", signal: signalNames.get(signal) ?? `SIG${signal}` };
}

export type Outcome = Extract<AllocationReport, { state: "finished" }>["outcome"];

/** What an end means. Told to stop is `stopped`, whatever the task made of it. */
export function outcomeOf(exit: Exit, wasToldToStop: boolean): Outcome {
  if (wasToldToStop) return "stopped";
  return exit.kind === "code" && exit.code === 0 ? "complete" : "failed";
}

/** A process for good: a pid is reused, a pid with its start time is not before the next boot. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot, field 22 of `/proc/<pid>/stat`. */
  readonly startTicks: number;
}

/** `PID STARTTIME` and a newline; null when the line is not complete. */
export function parseIdentity(text: string): ProcessIdentity | null {
  const match = /^(\d{1,10}) (\d{1,20})\n$/.exec(text);
  return match === null ? null : { pid: Number(match[1]), startTicks: Number(match[2]) };
}

/** The wait status of a run; null while it is pending. */
export function parseStatus(text: string): number | null {
  const match = /^(\d{1,3}) *\n$/.exec(text);
  if (match === null) return null;
  const status = Number(match[1]);
  return status <= 255 ? status : null;
}

export function isSameProcess(left: ProcessIdentity, right: ProcessIdentity): boolean {
  return left.pid === right.pid && left.startTicks === right.startTicks;
}
