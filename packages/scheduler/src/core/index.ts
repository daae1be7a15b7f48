/**
 * The scheduler's functional core: the fold of the log, and every decision made on it. No input or
 * output, no clock, no randomness, no promises: time arrives as numbers, decisions leave as events.
 *
 *     command / observation → events → applyEntry → evaluate → events → applyEntry → desired state
 */
export * from "./state/index.ts";
export { type CommandResult, handleCommand, type WriteMethod } from "./command/handle-command.ts";
export { type Evaluation, evaluate, needsEvaluation } from "./evaluate/evaluate.ts";
export type { Whole } from "./evaluate/pass.ts";
export { nextWakeUnixMs } from "./evaluate/wake.ts";
export { type DesiredNotice, desiredDeltas, desiredPage, fenceOf } from "./node/desired-state.ts";
export { Liveness } from "./node/liveness.ts";
export { type Observed, observeReports } from "./node/observe-reports.ts";
export { registerNode } from "./node/register-node.ts";
export {
  handleLongQuery,
  handleQuery,
  isLong,
  type LongMethod,
  type QueryResult,
  type ReadMethod,
} from "./query/handle-query.ts";
