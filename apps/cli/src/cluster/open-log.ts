import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { BerthError } from "@berth/protocol";
import type { LogPlace } from "@berth/scheduler/log-tools";
import type { NatsBus } from "@berth/runtime/nats";
import type { Context } from "../context.ts";
import { type ClusterFile, readClusterFile } from "./cluster-file.ts";
import { isRunning } from "./process-identity.ts";
import { lockHome } from "../up/home-lock.ts";

export interface LogFlags {
  readonly server?: string;
  readonly credentials?: string;
}

/** The log of a cluster while it is being looked after. */
export interface OpenLog extends LogPlace {
  /** Null where the engine belongs to somebody else. */
  readonly restartEngine: (() => Promise<void>) | null;
}

/**
 * Opens the log for `work`, with the scheduler's credentials: that of the servers named, else of the
 * home's running cluster, else of a home that is not running, whose engine is then started for as
 * long as it takes and which is locked meanwhile. Only `create` makes a log where there is none.
 */
export async function withLog<T>(
  context: Context,
  flags: LogFlags,
  { create }: { readonly create: boolean },
  work: (log: OpenLog) => Promise<T>,
): Promise<T> {
  const cluster = readClusterFile(context.home);
  if (flags.server !== undefined) {
    const seedFile = flags.credentials ?? cluster?.credentials.scheduler.seedFile;
    return withEngine({ server: flags.server, seedFile, create }, context, null, work);
  }
  if (cluster?.supervisor && isRunning(cluster.supervisor)) {
    const seedFile = flags.credentials ?? cluster.credentials.scheduler.seedFile;
    return withEngine({ server: cluster.natsUrl, seedFile, create }, context, null, work);
  }
  return withStoppedHome(context, cluster, create, work);
}

async function withStoppedHome<T>(
  context: Context,
  cluster: ClusterFile | null,
  create: boolean,
  work: (log: OpenLog) => Promise<T>,
): Promise<T> {
  const { home } = context;
  if (cluster !== null && cluster.replicas !== 1) {
    throw new BerthError("unreachable", "this home's log is on several servers, which do not run", {
      hint: "Start them first: berth up",
    });
  }
  if (!create && !existsSync(join(home, "nats", "store"))) {
    throw new BerthError("not_found", `there is no log in ${home}`);
  }
  const { ensureNatsServer, startNatsServer } = await import("@berth/runtime/nats-server");
  const lock = await lockHome(home);
  try {
    const { path } = await ensureNatsServer({ onProgress: (line) => context.note(line) });
    let server = await startNatsServer({ path, home });
    try {
      const restart = async () => {
        await server.stop();
        server = await startNatsServer({ path, home, port: server.port });
      };
      const { seedFile } = server.credentials.scheduler;
      return await withEngine({ server: server.url, seedFile, create }, context, restart, work);
    } finally {
      await server.stop();
    }
  } finally {
    await lock.release();
  }
}

interface Engine {
  readonly server: string;
  readonly seedFile: string | undefined;
  readonly create: boolean;
}

async function withEngine<T>(
  { server, seedFile, create }: Engine,
  context: Context,
  restart: (() => Promise<void>) | null,
  work: (log: OpenLog) => Promise<T>,
): Promise<T> {
  const nats = await import("@berth/runtime/nats");
  const { folderSnapshots } = await import("@berth/runtime/node");
  const login = seedFile === undefined ? {} : { seedFile };
  const bus = await nats.connectBus({ servers: server.split(","), name: "berth log", ...login });
  try {
    if (create) {
      await nats.ensureLogStream(bus);
      await nats.ensureSnapshotStream(bus);
    }
    return await work({
      log: nats.natsLog(bus),
      keeper: nats.natsLogKeeper(bus),
      snapshots: [nats.natsSnapshots(bus), ...snapshotFolders(context.home).map(folderSnapshots)],
      restartEngine: restart === null ? null : () => restartAround(bus, restart),
    });
  } finally {
    await bus.close();
  }
}

async function restartAround(bus: NatsBus, restart: () => Promise<void>): Promise<void> {
  const away = statusIs(bus, "disconnected");
  await restart();
  await away;
  await statusIs(bus, "connected");
}

function statusIs(bus: NatsBus, wanted: "connected" | "disconnected"): Promise<void> {
  return new Promise((resolve) => {
    if (bus.status === wanted) return resolve();
    const subscription = bus.onStatus((status) => {
      if (status !== wanted) return;
      subscription.unsubscribe();
      resolve();
    });
  });
}

/** Where the home's schedulers keep their second copies. */
function snapshotFolders(home: string): string[] {
  const parent = join(home, "snapshots");
  if (!existsSync(parent)) return [];
  return readdirSync(parent, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(parent, name));
}
