/** Looking after a log from outside of a scheduler: what `berth log` does. */
export { exportLog, type ExportOptions } from "./export-log.ts";
export { importLog, type ImportOptions, type ImportReport } from "./import-log.ts";
export type { LogPlace } from "./log-place.ts";
export { type LogReport, type SnapshotReport, statLog } from "./stat-log.ts";
export { type VerifyProblem, type VerifyReport, verifyLog } from "./verify-log.ts";
