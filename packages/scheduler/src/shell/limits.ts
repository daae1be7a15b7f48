/** Bounds of the scheduler's shell, by name. Those that cross the wire are in the protocol. */
export const shellLimits = {
  /** Answers that wait for an acknowledgement of the log; more are refused as `overloaded`. */
  answersHeldMax: 10_000,
  /** JSON bytes of entries that wait for an acknowledgement; more is refused as `overloaded`. */
  unacknowledgedBytesMax: 16 * 1024 * 1024,
  /** Reads that wait for the log to get as far as they ask; more are refused as `behind`. */
  readsWaitingMax: 1_000,
  /** What-ifs and plans of rebalancing at once; more are refused as `overloaded`. */
  longReadsMax: 4,
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
  /** Wait before the log is read again after a failure, doubling. Its engine elects a leader meanwhile. */
  retryMinMs: 100,
  retryMaxMs: 1_000,
  /** The engine forgets the lease after this; a candidate takes one that stood still for as long. */
  leaseTtlMs: 3_000,
  /** The holder renews this often: a saturated process comes to it late … */
  leaseRenewMs: 300,
  /** … and stops this long before its time is up, counted from before the renewal was sent. */
  leaseMarginMs: 250,
  /** A request about the lease that takes longer has failed. */
  leaseRequestTimeoutMs: 1_000,
  /** Candidates look this often, or up to twice as rarely: by chance, so that they do not collide. */
  leasePollMs: 150,
  /** Nobody answered under the holder's name this often in a row: it is gone. Once may be a reconnect. */
  leaseAbsencesMin: 2,
  /** Wait before another attempt to open a term on a log that has moved on. */
  conflictRetryMs: 20,
  /** A read that takes long goes on for this long before others get their turn, or for one part. */
  longReadTurnMs: 20,
  /** How long a read waits at most for the log to get as far as it asks. */
  readWaitMsMax: 1_000,
  /** A replica that has heard nothing of the lease for this long does not know how old its state is. */
  readStalenessMsMax: 10_000,
  /** Wait before a full log is tried again, doubling. */
  fullMinMs: 1_000,
  fullMaxMs: 15_000,
} as const;
