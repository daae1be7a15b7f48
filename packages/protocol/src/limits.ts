/**
 * Every bound that crosses a process boundary, by name. `docs/limits.md` explains each one.
 */
export const limits = {
  /** One appended log entry, JSON bytes. Well under the engine's 1 MiB payload limit. */
  entryBytesMax: 64 * 1024,
  /** A request or reply body over NATS, JSON bytes. */
  messageBytesMax: 512 * 1024,
  /** A workload file given to the command line. */
  workloadFileBytesMax: 1024 * 1024,
  /** A normalised workload spec inside an event. */
  workloadSpecBytesMax: 32 * 1024,
  workloadsPerApplyMax: 100,
  workloadCountMax: 100_000,
  environmentVariablesMax: 256,
  commandArgumentsMax: 512,
  commandBytesMax: 16 * 1024,
  /** Processes and threads of a task that says nothing of them, and the most that one may have. */
  taskPidsDefault: 4_096,
  taskPidsMax: 4_194_304,
  constraintsMax: 32,
  constraintLengthMax: 512,
  /** Affinities, spreads and the like in one workload, each. */
  placementRulesMax: 16,
  /** Nodes that a workload may name as near its data. */
  localityNodesMax: 256,
  /** Kinds of counted devices that a task may ask for. */
  deviceKindsMax: 16,
  labelsPerNodeMax: 64,
  /** What a node says about itself, JSON bytes: it becomes durable in one entry. */
  nodeDescriptionBytesMax: 48 * 1024,
  portsPerWorkloadMax: 32,
  gpusPerAllocationMax: 64,
  allocationsPerNodeMax: 2_000,
  /** Finished allocations remembered for each workload index (its history). */
  finishedAllocationsPerIndexMax: 5,
  /** Ids in one `AllocationsForgotten`. */
  forgottenPerEventMax: 1_000,
  eventsRememberedMax: 10_000,
  /** Answers to writes that a repeated request id returns again. */
  answersRememberedMax: 10_000,
  /** The newest placements whose reasons are kept at hand; the log has those of all. */
  placementExplanationsRememberedMax: 10_000,
  /** One chunk of a snapshot of the state. */
  snapshotChunkBytesMax: 512 * 1024,
  /** All specs of one submission, JSON bytes: they become durable in one entry. */
  submissionBytesMax: 48 * 1024,
  /** Events of one evaluation, JSON bytes: a few entries, so that no pass holds the thread long. */
  evaluationBytesMax: 192 * 1024,
  /** All placements of a gang, JSON bytes: they become durable in one entry, however large. */
  gangBytesMax: 256 * 1024,
  eventPageMax: 1_000,
  listPageMax: 10_000,
  reportsPerMessageMax: 64,
  desiredPageBytesMax: 256 * 1024,
  logChunkBytesMax: 128 * 1024,
  /** How far back, in lines, a reader of a task's output may start. */
  logTailLinesMax: 100_000,
  longPollMsMax: 10_000,
  nearestFitsMax: 5,
  /** Nodes that are looked at to warn of what one submission asks for. */
  warningNodesMax: 20_000,
  /** Taints, constraints and the like told one by one in an explanation, of each kind. */
  rejectionSubjectsMax: 16,
  /** Allocations named one by one of those that would have to end for a node to fit. */
  freeingListedMax: 8,
  placementCandidatesMax: 3,
  /** Placements, and stops, that a plan lists one by one; the rest are only counted. */
  planListedMax: 200,
  /** Allocations that `why` explains one by one. */
  whyListedMax: 100,
  /** Nodes that a hypothesis may lose, drain or add. */
  whatIfNodesMax: 10_000,
  /** Allocations of a cluster, ended ones included, about which hypotheses are tried. */
  whatIfAllocationsMax: 200_000,
  /** Passes of the scheduler after which a hypothesis is given up. */
  whatIfPassesMax: 5_000,
  /** Changes, and waiting workloads, that an answer to a hypothesis lists one by one. */
  whatIfListedMax: 200,
  /** Common requests that headroom is told for. */
  requestClassesMax: 8,
  /** Moves of one rebalancing. */
  rebalanceMovesMax: 100,
  /** Moves that one rebalancing tries before it takes what it has. */
  rebalanceTrialsMax: 2_000,
  /** Nodes on which one rebalancing looks for moves that make room. */
  rebalanceNodesMax: 32,
  /** Similar names offered for an unknown one. */
  nearNamesMax: 5,
  projectsMax: 10_000,
  /** Projects from one up to the top. */
  projectDepthMax: 8,
  reservationsMax: 1_000,
  /** Nodes of one reservation. */
  reservedNodesMax: 100_000,
  /** From the beginning of a reservation to its end, and from now to its beginning. */
  reservationMsMax: 366 * 86_400_000,
  /** Groups of waiting indexes with different reasons; more are merged. */
  pendingGroupsMax: 16,
  /** Ranges of waiting indexes in one explanation; indexes beyond them stay merely queued. */
  pendingRangesMax: 2_000,
  /** Characters of an agent's message about an allocation that are kept. */
  reportMessageLengthMax: 1_000,
} as const;

/** Timings of the liveness protocol between agents and the leader. */
export const timings = {
  beatIntervalMs: 1_000,
  usageIntervalMs: 5_000,
  nodeSuspectAfterMs: 3_000,
  nodeDownAfterMs: 10_000,
} as const;
