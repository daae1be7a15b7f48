import type { Logger, SnapshotStore } from "@berth/runtime";
import { type NatsBus, natsLogKeeper, natsSnapshots } from "@berth/runtime/nats";
import { folderSnapshots, nodeClock } from "@berth/runtime/node";
import { snapshotTimings } from "./snapshot-limits.ts";
import { SnapshotSchedule } from "./snapshot-schedule.ts";
import { runRoundInThread } from "./snapshot-thread.ts";

export interface SnapshotServiceOptions {
  readonly server: string | readonly string[];
  readonly credentials?: string | undefined;
  /** A folder for the second copies, on a disk of this scheduler's own. */
  readonly snapshotFolder?: string | undefined;
  readonly retentionMs?: number | undefined;
  readonly stop: AbortSignal;
  readonly logger: Logger;
}

/** Where a scheduler looks for snapshots when it starts: the engine first. */
export function snapshotStores(
  bus: NatsBus,
  folder: string | undefined,
): [SnapshotStore, ...SnapshotStore[]] {
  const engine = natsSnapshots(bus);
  return folder === undefined ? [engine] : [engine, folderSnapshots(folder)];
}

/** Has snapshots taken while this process leads, until `stop` is raised. */
export function startSnapshots(
  bus: NatsBus,
  isLeading: () => boolean,
  options: SnapshotServiceOptions,
): void {
  const { server, credentials, snapshotFolder: folder, stop, logger } = options;
  const retentionMs = options.retentionMs ?? snapshotTimings.retentionMs;
  const schedule = new SnapshotSchedule({
    clock: nodeClock,
    logger,
    keeper: natsLogKeeper(bus),
    store: natsSnapshots(bus),
    isLeading,
    runRound: () => runRoundInThread({ server, credentials, folder, retentionMs }, stop),
  });
  stop.addEventListener("abort", () => schedule.stop(), { once: true });
  schedule.start();
}
