/** Bounds of preemption. */
export const preemptLimits = {
  /** Places that others are stopped for at a time, for one workload; for a gang all it needs. */
  seatsMax: 256,
  /** On so many nodes victims are looked for with every change that may have brought some. */
  nodesAtOnceMax: 200,
  /** Beyond that, not sooner than after so long for each node: a search looks at all of them. */
  pauseMsPerNode: 2,
  /**
   * Steps of all searches for the seats of one workload. A step takes a microsecond or a few, so that
   * a decision stays within a fraction of a second whatever runs where; most take a few hundred.
   */
  stepsMax: 100_000,
  /** Steps of the search on one node; then the best set so far is taken. */
  nodeStepsMax: 5_000,
} as const;
