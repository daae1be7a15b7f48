import { parentPort, workerData } from "node:worker_threads";
import { BerthError, type WireError } from "@berth/protocol";
import { connectBus, natsLog, natsLogKeeper, natsSnapshots } from "@berth/runtime/nats";
import { createLogger, folderSnapshots, nodeClock } from "@berth/runtime/node";
import type { RoundOutcome } from "./snapshot-round.ts";
import { runSnapshotRound } from "./snapshot-round.ts";

/** What a round needs that can be sent to a thread. */
export interface SnapshotOrder {
  readonly server: string | readonly string[];
  readonly credentials: string | undefined;
  /** The second store; without it nothing is ever purged. */
  readonly folder: string | undefined;
  readonly retentionMs: number;
}

export type SnapshotReport =
  | { readonly ok: true; readonly outcome: RoundOutcome }
  | { readonly ok: false; readonly error: WireError };

/** One round in a thread of its own, with a connection and a state of its own. */
async function main(order: SnapshotOrder): Promise<RoundOutcome> {
  const logger = createLogger({ name: "snapshots" });
  const bus = await connectBus({
    servers: order.server,
    name: "snapshots",
    logger,
    ...(order.credentials === undefined ? {} : { seedFile: order.credentials }),
  });
  try {
    const engine = natsSnapshots(bus);
    const { folder, retentionMs } = order;
    return await runSnapshotRound(
      {
        log: natsLog(bus, { logger }),
        keeper: natsLogKeeper(bus),
        stores: folder === undefined ? [engine] : [engine, folderSnapshots(folder)],
        clock: nodeClock,
        logger,
      },
      { retentionMs },
    );
  } finally {
    await bus.close();
  }
}

function wireErrorOf(cause: unknown): WireError {
  if (cause instanceof BerthError) return cause.toWire();
  const message = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  return new BerthError("internal", message).toWire();
}

const report: SnapshotReport = await main(workerData as SnapshotOrder).then(
  (outcome) => ({ ok: true, outcome }),
  (cause: unknown) => ({ ok: false, error: wireErrorOf(cause) }),
);
parentPort?.postMessage(report);
