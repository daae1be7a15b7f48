/**
 * The cluster's state as the fold of its log, and how people see it. Pure: the leader, its
 * standbys and the console's gateway fold the same entries to the same state.
 */
export type { Changes, DesiredChange } from "./changes.ts";
export { applyEntry } from "./apply-entry.ts";
export {
  type AllocationRecord,
  type Answer,
  type ClusterState,
  createState,
  isAvailable,
  isFinal,
  type NodeRecord,
  type Slot,
  type WorkloadCounts,
  type WorkloadRecord,
} from "./cluster-state.ts";
export { decodeState, StateDecoder } from "./snapshot/decode-state.ts";
export { encodeState } from "./snapshot/encode-state.ts";
export {
  STATE_FORMAT_VERSION,
  StateFormatError,
  stateFormatVersions,
} from "./snapshot/state-format.ts";
export { type EventRing, eventsAfter } from "./event-ring.ts";
export { stateHash } from "./state-hash.ts";
export { allocationView } from "../query/allocation-view.ts";
export { clusterStatus } from "../query/cluster-status.ts";
export { nodeDetail, nodeView } from "../query/node-view.ts";
export { workloadDetail, workloadView } from "../query/workload-view.ts";
export { handleQuery, type QueryResult, type ReadMethod } from "../query/handle-query.ts";
