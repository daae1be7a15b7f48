/** Bounds of the scheduler's shell, by name. Those that cross the wire are in the protocol. */
export const shellLimits = {
  /** Answers that wait for an acknowledgement of the log; more are refused as `overloaded`. */
  answersHeldMax: 10_000,
  /** Requests that wait for events to come; more are answered at once with none. */
  eventWaitersMax: 1_000,
  /** A node's description in the log, JSON bytes. */
  nodeDescriptionBytesMax: 32 * 1024,
  /** Problems listed in the refusal of one request. */
  problemsMax: 20,
  /** A value quoted in a refusal, characters. */
  quotedValueCharactersMax: 80,
} as const;

export const shellTimings = {
  livenessIntervalMs: 500,
  /** Least time between two evaluations that only the passing of time asks for. */
  wakeDelayMsMin: 50,
  /** Wait before the log is read again after a failure, doubling. */
  retryMinMs: 100,
  retryMaxMs: 5_000,
  /** Wait before leading again after another scheduler took over, doubling. */
  standbyMinMs: 2_000,
  standbyMaxMs: 60_000,
  /** Wait before a full log is tried again, doubling. */
  fullMinMs: 1_000,
  fullMaxMs: 15_000,
} as const;
