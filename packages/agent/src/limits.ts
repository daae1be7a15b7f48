/** The agent's own bounds. Those that cross a process boundary are in `@berth/protocol`. */
export const agentLimits = {
  /** Allocations that are being started at the same moment; the rest wait their turn. */
  concurrentStartsMax: 16,
  /** One log file; rotated when it is at least this large. */
  logFileBytesMax: 10 * 1024 * 1024,
  /** Files kept for each of stdout and stderr, the one being written included. */
  logFilesMax: 5,
  /** How far back a request for the last lines looks. */
  logTailScanBytesMax: 16 * 1024 * 1024,
  /** Log requests that wait for more at the same moment; the next one is told `overloaded`. */
  logWaitersMax: 256,
  /** Folders of finished allocations that are kept for their logs, newest first. */
  finishedFoldersMax: 200,
  finishedFoldersBytesMax: 2 * 1024 * 1024 * 1024,
  /** Entries looked at when a finished folder is measured; a larger one counts as measured so far. */
  folderEntriesMeasuredMax: 10_000,
  /** A report's message, characters. */
  messageLengthMax: 500,
  /** File systems that are asked how large they are. */
  fileSystemsMeasuredMax: 256,
  /** What a tool may say about this node's devices. */
  toolAnswerBytesMax: 1024 * 1024,
  /** One record of the kernel's log: the kernel writes no longer ones. */
  kernelLogRecordBytesMax: 8 * 1024,
  /** Records of the kernel's log that are read at once. */
  kernelLogRecordsMax: 20_000,
  /** How much of a process's environment is searched for an allocation's mark. */
  environmentBytesReadMax: 256 * 1024,
  /** Control groups that a task may make below its own, one within the other, and be rid of. */
  cgroupDepthMax: 16,
} as const;

export const agentTimings = {
  /** What is left of a task whose main process has ended gets this long before SIGKILL. */
  leftoverGraceMs: 1_000,
  /** Between two looks at a tree that is being killed. */
  killIntervalMs: 25,
  /** Between two looks at a task whose shim is gone and whose end nothing announces. */
  orphanLookMs: 500,
  /** Between two looks at control groups that were left behind, while something is in them. */
  leftoverCgroupMs: 100,
  /** After this a tree that SIGKILL does not end is looked at rarely (uninterruptible sleep). */
  killUrgentMs: 3_000,
  killStubbornIntervalMs: 2_000,
  /** A shim that does not record the status of a killed task by then is given up. */
  shimRecordMs: 2_000,
  /** A claim without a complete line, or one without a task, is final after this. */
  claimSettleMs: 2_000,
  /** Used for folders that cannot be watched (the kernel's limit on watches). */
  watchFallbackMs: 100,
  logRotationIntervalMs: 1_000,
  inventoryIntervalMs: 60_000,
  /** Each question to `systeminformation`. */
  probeTimeoutMs: 5_000,
  /** `nvidia-smi` takes seconds on a server with many devices and persistence off. */
  gpuProbeTimeoutMs: 20_000,
  /** From one listing of the looping `nvidia-smi` to the next. */
  gpuLoopIntervalMs: 5_000,
  /** Before it is started again; the waits double up to the most. */
  gpuLoopRestartMinMs: 1_000,
  gpuLoopRestartMaxMs: 60_000,
  /** Tools of other vendors are asked this often for the health of their devices. */
  gpuAskIntervalMs: 600_000,
  /** Disks are asked this often how they are. */
  diskHealthIntervalMs: 3_600_000,
  diskProbeTimeoutMs: 10_000,
  /** Each trial of what the system can do. */
  capabilityProbeTimeoutMs: 5_000,
  requestTimeoutMs: 5_000,
  retryMinMs: 100,
  retryMaxMs: 10_000,
  /** The first check comes this soon after the start; the waits double up to the interval. */
  firstCheckDelayMs: 50,
  /** Between two looks for finished folders to delete. */
  collectIntervalMs: 10_000,
} as const;
