/** Every bound of the gateway, by name. `docs/limits.md` explains each one. */
export const gatewayLimits = {
  /** Pages connected at once; more are turned away with a reason. */
  socketsMax: 256,
  /** HTTP connections at once, sockets included. */
  connectionsMax: 1_024,
  /** One message of a page. A hello and an ack are far below it. */
  inboundMessageBytesMax: 64 * 1024,
  /** Buffered for one page before it gets no more telemetry and its deltas are merged. */
  bufferedBytesSoft: 1024 * 1024,
  /** Buffered for one page before its socket is ended: it will start over. */
  bufferedBytesHard: 8 * 1024 * 1024,
  /** An unacknowledged delta older than this has the same effect as `bufferedBytesSoft`. */
  ackLagMsMax: 2_000,
  /** A page that says nothing for this long is gone. */
  silentMsMax: 30_000,
  /** A socket that has not said hello by then is closed. */
  helloMsMax: 5_000,
  /** Deltas kept for pages that come back: a minute at the highest rate. */
  ringDeltasMax: 600,
  ringBytesMax: 8 * 1024 * 1024,
  /** Static files held in memory. */
  staticFileBytesMax: 4 * 1024 * 1024,
} as const;

export const gatewayTimings = {
  /** Between two deltas at least: ten a second is as live as eyes can tell. */
  deltaIntervalMs: 100,
  pulseIntervalMs: 1_000,
  telemetryIntervalMs: 1_000,
  leaderProbeIntervalMs: 1_000,
  leaderProbeTimeoutMs: 1_000,
  /** Without an answer for this long the leader counts as silent. */
  leaderSilentAfterMs: 4_000,
  /** The leader's position must be reached within this time. */
  behindAfterMs: 3_000,
  refollowMinMs: 200,
  refollowMaxMs: 5_000,
  /** For an agent's answer, on top of the time it was asked to wait. */
  logsTimeoutMs: 4_000,
} as const;
