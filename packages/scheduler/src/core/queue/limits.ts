/** Bounds of the queue: what work that is ahead may keep from work behind it. */
export const queueLimits = {
  /** In each priority band so many that wait have room kept for them, at most one of a project. */
  headsPerBandMax: 4,
  /** Work whose start nobody knows waits this long before nodes are kept free for it. */
  patienceMs: 300_000,
  /** This long before a reservation begins its nodes are chosen, and kept from work that overlaps. */
  reservationLeadMs: 86_400_000,
  /** Indexes that one workload is placed in a row while other projects wait for their turn. */
  indexesPerTurnMax: 64,
  /** Of those that ask for the same in one project so many are tried when room was made. */
  triedInLineMax: 64,
  /** While no more than these wait for room, each change brings all explanations up to date. */
  explainedAtOnceMax: 200,
  /** While more do, so many at a time are brought up to date, this often. */
  explainIntervalMs: 10_000,
} as const;
