export { runScheduler, type RunSchedulerOptions } from "./run-scheduler.ts";
export { Scheduler, type SchedulerComponents } from "./shell/scheduler.ts";
export type { Standing } from "./shell/standing.ts";
