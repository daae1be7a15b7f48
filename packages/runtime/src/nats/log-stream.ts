import { BerthError, LOG_STREAM, LOG_SUBJECT } from "@berth/protocol";
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from "nats";
import type { Logger } from "../logger.ts";
import { checkServerVersion, type ReplicaCount } from "../nats-server/supported-versions.ts";
import type { NatsBus } from "./bus.ts";
import { apiErrorCode, manage, unavailable } from "./jetstream.ts";

export interface LogStreamOptions {
  /**
   * How many servers keep the log. Without it: what an existing log has; a new one gets one copy,
   * unless the server belongs to a cluster, where the number must be said.
   */
  readonly replicas?: ReplicaCount | undefined;
  readonly logger?: Logger;
}

/** Where the log is kept now. */
export interface LogPlacement {
  readonly replicas: number;
  /** The name of the server that leads the stream; null while there is none. */
  readonly leader: string | null;
  /** The names of the servers that follow it and have all of it. */
  readonly current: readonly string[];
}

/** A cluster without a leader does not answer at all: asking again soon is better than waiting. */
const LOOK_TIMEOUT_MS = 1_000;
const STREAM_NOT_FOUND = 10059;
const STREAM_EXISTS = 10058;
const NOT_CLUSTERED = 10074;

/**
 * Creates the stream on the first start. Only a writer may; readers wait for it.
 *
 * Rejects with a `BerthError`: `conflict` when a stream of that name keeps less than the log must
 * or has another number of copies, `invalid` when the server cannot keep the log as asked (too old,
 * or not a cluster), `log.unavailable` (retryable) when the engine does not answer in time or has
 * too few servers up for now.
 */
export async function ensureLogStream(bus: NatsBus, options: LogStreamOptions = {}): Promise<void> {
  const { replicas, logger } = options;
  const existing = await readStream(bus);
  if (existing === null) {
    await createStream(bus, replicas ?? copiesOfNewLog(bus), logger);
    return;
  }
  checkVersion(bus, existing.config.num_replicas === 1 ? 1 : 3, logger);
  checkConfig(existing.config, replicas);
}

/** Rejects with a `BerthError` `log.unavailable`. */
export async function logPlacement(bus: NatsBus): Promise<LogPlacement> {
  const stream = await readStream(bus);
  if (stream === null) throw unavailable(new Error(`there is no stream ${LOG_STREAM}`));
  const { config, cluster } = stream;
  return {
    replicas: config.num_replicas,
    leader: cluster?.leader || null,
    current: (cluster?.replicas ?? []).flatMap(({ name, current }) => (current ? [name] : [])),
  };
}

async function readStream(bus: NatsBus) {
  try {
    const { streams } = await manage(bus, LOOK_TIMEOUT_MS);
    return await bus.untilLost(streams.info(LOG_STREAM));
  } catch (cause) {
    if (apiErrorCode(cause) === STREAM_NOT_FOUND) return null;
    throw unavailable(cause);
  }
}

function wantedStream(replicas: ReplicaCount) {
  return {
    name: LOG_STREAM,
    subjects: [LOG_SUBJECT],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    num_replicas: replicas,
    max_age: 0,
    max_msgs: -1,
    max_bytes: -1,
    max_msgs_per_subject: -1,
    deny_delete: true,
  } satisfies Partial<StreamConfig>;
}

async function createStream(
  bus: NatsBus,
  replicas: ReplicaCount,
  logger: Logger | undefined,
): Promise<void> {
  checkVersion(bus, replicas, logger);
  try {
    const { streams } = await manage(bus);
    await bus.untilLost(streams.add(wantedStream(replicas)));
  } catch (cause) {
    switch (apiErrorCode(cause)) {
      case STREAM_EXISTS: // another scheduler was faster, and asked for something else
        return ensureLogStream(bus, { replicas });
      case NOT_CLUSTERED:
        throw new BerthError(
          "invalid",
          `a log of ${replicas} copies was asked for, but this nats-server is alone`,
          { hint: "Start it as one of a cluster of three, or ask for one copy.", cause },
        );
      default:
        throw unavailable(cause);
    }
  }
}

/** One copy is never an oversight: where there could be more, somebody has to say so. */
function copiesOfNewLog(bus: NatsBus): ReplicaCount {
  const cluster = bus.connection?.info?.cluster;
  if (!cluster) return 1;
  throw new BerthError(
    "invalid",
    `this nats-server belongs to the cluster '${cluster}': say how many copies of the log to keep`,
    { hint: "Start the scheduler with --replicas 3, or with --replicas 1 to keep one copy only." },
  );
}

function checkConfig(config: StreamConfig, replicas: ReplicaCount | undefined): void {
  const wanted = wantedStream(replicas ?? 1);
  for (const field of ["storage", "retention", "discard", "max_age", "max_msgs"] as const) {
    if (config[field] === wanted[field]) continue;
    throw new BerthError("conflict", `the stream ${LOG_STREAM} has ${field} = ${config[field]}`, {
      hint: `It must be ${wanted[field]}: the log would lose entries.`,
    });
  }
  if (replicas === undefined || config.num_replicas === replicas) return;
  throw new BerthError(
    "conflict",
    `${replicas === 1 ? "one copy" : `${replicas} copies`} of the log asked for; the one there has ${config.num_replicas}`,
    {
      hint: `Ask for ${config.num_replicas}, or change the stream ${LOG_STREAM} by hand once every server is up.`,
      details: { asked: replicas, found: config.num_replicas },
    },
  );
}

function checkVersion(bus: NatsBus, replicas: ReplicaCount, logger: Logger | undefined): void {
  const warning = checkServerVersion(bus.connection?.info?.version ?? "0.0.0", replicas);
  if (warning !== null) logger?.warn(warning);
}
