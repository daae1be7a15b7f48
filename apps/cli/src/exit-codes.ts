import type { ErrorCode } from "@berth/protocol";

/** What the process says at its end. Scripts branch on these: they never change their meaning. */
export const exitCodes = {
  /** Done, or nothing had to change. */
  done: 0,
  error: 1,
  /** The state does not allow it, or only part of it could be placed. */
  blocked: 2,
  /** `plan` found changes, all of which can be placed. */
  changes: 3,
  denied: 4,
  notFound: 5,
  /** The cluster has moved on since the sequence that was given. */
  stale: 6,
  timeout: 7,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export function exitCodeOf(code: ErrorCode): ExitCode {
  switch (code) {
    case "denied":
      return exitCodes.denied;
    case "not_found":
      return exitCodes.notFound;
    case "conflict":
      return exitCodes.blocked;
    case "timeout":
      return exitCodes.timeout;
    case "invalid":
    case "spec.invalid":
    case "overloaded":
    case "not_leader":
    case "behind":
    case "log.unavailable":
    case "log.full":
    case "unreachable":
    case "wrong_cluster":
    case "internal":
    case "unknown":
      return exitCodes.error;
  }
}
