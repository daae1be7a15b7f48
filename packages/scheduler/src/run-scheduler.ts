import { hostname } from "node:os";
import { BerthError } from "@berth/protocol";
import type { Logger } from "@berth/runtime";
import {
  connectBus,
  ensureLeaseStream,
  ensureLogStream,
  ensureSnapshotStream,
  type LogStreamOptions,
  type NatsBus,
  natsLease,
  natsLog,
} from "@berth/runtime/nats";
import type { ReplicaCount } from "@berth/runtime/nats-server";
import { createLogger, nodeClock, nodeRandom, watchStorage } from "@berth/runtime/node";
import { shellTimings } from "./shell/limits.ts";
import { Scheduler } from "./shell/scheduler.ts";
import { snapshotStores, startSnapshots } from "./shell/snapshot-service.ts";
import { SCHEDULER_VERSION } from "./version.ts";

export interface RunSchedulerOptions {
  /** `nats://host:port`; several as a list, or with commas between them. */
  readonly server: string | readonly string[];
  /** The scheduler's nkey seed file. Without it: no login. */
  readonly credentials?: string | undefined;
  /** How many servers are to keep the log; a log that is kept otherwise is refused. Default: as it is. */
  readonly replicas?: ReplicaCount | undefined;
  /** A folder on the log's disk, where that is this machine's: writes are refused before it is full. */
  readonly logFolder?: string | undefined;
  /** A folder on this scheduler's own disk for second copies of snapshots. Without it nothing is ever purged. */
  readonly snapshotFolder?: string | undefined;
  /** How long entries of the log are kept, whatever snapshots there are. Default: seven days. */
  readonly retentionMs?: number | undefined;
  /** Raised to end in order. */
  readonly stop: AbortSignal;
  readonly logger?: Logger;
}

/**
 * Runs a scheduler in this process until `stop` is raised. Waits for NATS and for the log as long
 * as it takes; rejects on a bug, on a log that it cannot use, and when NATS refuses to be used.
 */
export async function runScheduler(options: RunSchedulerOptions): Promise<void> {
  const { stop } = options;
  const logger = options.logger ?? createLogger({ name: "scheduler" });
  const connect = (name: string) =>
    connectBus({
      servers: options.server,
      name,
      waitOnFirstConnect: true,
      signal: stop,
      logger,
      ...(options.credentials === undefined ? {} : { seedFile: options.credentials }),
    });
  // What the log and the lease answer must not queue behind the requests that wait for it.
  const [bus, engine] = await Promise.all([connect("scheduler"), connect("scheduler log")]);
  bus.onStatus((status) => logger.info(`NATS ${status}`));
  try {
    await untilLogExists(engine, { stop, logger, replicas: options.replicas });
    if (stop.aborted) return;
    const scheduler = new Scheduler({
      clock: nodeClock,
      random: nodeRandom,
      bus,
      log: natsLog(engine, { logger }),
      lease: natsLease(engine, {
        ttlMs: shellTimings.leaseTtlMs,
        requestTimeoutMs: shellTimings.leaseRequestTimeoutMs,
      }),
      snapshots: snapshotStores(bus, options.snapshotFolder),
      logger,
      storage:
        options.logFolder === undefined ? undefined : watchStorage(options.logFolder, nodeClock),
      leader: `${hostname()}:${process.pid}`,
      version: SCHEDULER_VERSION,
    });
    stop.addEventListener("abort", () => void scheduler.stop(), { once: true });
    scheduler.start();
    const isLeading = () => scheduler.standing.mode === "leading";
    startSnapshots(bus, isLeading, { ...options, logger });
    await scheduler.done;
  } finally {
    await Promise.all([bus.close(), engine.close()]);
  }
}

/** JetStream may take a while longer to be there than the server itself. */
async function untilLogExists(
  bus: NatsBus,
  options: LogStreamOptions & { readonly stop: AbortSignal; readonly logger: Logger },
): Promise<void> {
  const { stop, logger } = options;
  while (!stop.aborted) {
    try {
      await ensureLogStream(bus, options);
      await ensureSnapshotStream(bus);
      return await ensureLeaseStream(bus, shellTimings.leaseTtlMs);
    } catch (cause) {
      if (!(cause instanceof BerthError) || !cause.retryable) throw cause;
      logger.count("log.missing", "the log is not there yet; trying on", { cause });
    }
    await new Promise((resolve) => nodeClock.after(shellTimings.retryMinMs, () => resolve(null)));
  }
}
