import { BerthError, type ErrorCode, type WireError } from "@berth/protocol";

/** A refusal as it goes over the wire. */
export function refusal(
  code: ErrorCode,
  message: string,
  options: Partial<Omit<WireError, "code" | "message">> = {},
): WireError {
  return { ...new BerthError(code, message, options).toWire() };
}

export const refusals = {
  notLeader: (why: string) =>
    refusal("not_leader", `this scheduler cannot answer now: ${why}`, {
      retryable: true,
      hint: "Try again in a moment.",
    }),
  logFull: (message: string) =>
    refusal("log.full", `the cluster's log has no room, nothing was stored: ${message}`, {
      retryable: true,
      hint: "Make room on the disk of nats-server. Running tasks are not affected.",
    }),
  logUnavailable: (why: string) =>
    refusal("log.unavailable", `the cluster's log does not answer: ${why}`, {
      retryable: true,
      hint: "Repeat it with the same request id, which is safe. If this lasts, look at nats-server: it may be down, or its disk full.",
    }),
  behind: (seq: number, atLeastSeq: number) =>
    refusal("behind", `this scheduler has read the log up to ${seq}, not ${atLeastSeq} yet`, {
      retryable: true,
      hint: "Try again in a moment.",
      details: { seq, atLeastSeq },
    }),
  overloaded: (what: string, max: number) =>
    refusal("overloaded", `${max} ${what} are waiting already`, {
      retryable: true,
      hint: "Try again in a moment.",
      details: { max },
    }),
  internal: () => refusal("internal", "the scheduler failed on this request; its log says why"),
};
