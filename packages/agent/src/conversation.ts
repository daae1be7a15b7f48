/**
 * The agent's half of the conversation with the leader, on ports alone: what to say, when to repeat
 * it, and what to do about what is desired. An agent is this plus a machine.
 */
export type { DesiredAllocations, DesiredState } from "./core/desired-state.ts";
export {
  afterProbe,
  type CheckState,
  initialCheck,
} from "./core/check-health.ts";
export { type Action, type Observed, type Phase, reconcile } from "./core/reconcile.ts";
export { DesiredFeed } from "./shell/desired-feed.ts";
export { Leader } from "./shell/leader.ts";
export { Reporter } from "./shell/reporter.ts";
export { Session } from "./shell/session.ts";
