import { parseArgs } from "node:util";
import { BerthError, parseDurationMs } from "@berth/protocol";
import { type ReplicaCount, replicaCounts } from "@berth/runtime/nats-server";
import { createLogger, runService } from "@berth/runtime/node";
import { runScheduler } from "./run-scheduler.ts";

/**
 * `node main.js --server nats://127.0.0.1:7422 --credentials <seed file>`; the environment's
 * `BERTH_SERVER` and `BERTH_CREDENTIALS` stand in for what is not given. `--log-folder` names a folder on
 * the log's disk where that is this machine's. `--server` takes several addresses with commas between
 * them; `--replicas 3` asks for a log on three servers. `--snapshots` names a folder for second copies
 * of snapshots, and `--retention 7d` how long entries are kept.
 */
const logger = createLogger({ name: "scheduler" });

await runService({ logger }, async (stop) => {
  await runScheduler({ ...readOptions(), stop, logger });
});

function readOptions(): {
  server: string;
  credentials: string | undefined;
  logFolder: string | undefined;
  replicas: ReplicaCount | undefined;
  snapshotFolder: string | undefined;
  retentionMs: number | undefined;
} {
  const { values } = parseArgs({
    options: {
      server: { type: "string" },
      credentials: { type: "string" },
      "log-folder": { type: "string" },
      replicas: { type: "string" },
      snapshots: { type: "string" },
      retention: { type: "string" },
    },
  });
  const server = values.server ?? process.env["BERTH_SERVER"];
  if (server === undefined) {
    throw new BerthError("invalid", "no NATS server given", {
      hint: "Use --server nats://host:port, or set BERTH_SERVER.",
    });
  }
  const credentials = values.credentials ?? process.env["BERTH_CREDENTIALS"];
  const replicas = parseReplicas(values.replicas);
  return {
    server,
    credentials,
    logFolder: values["log-folder"],
    replicas,
    snapshotFolder: values.snapshots,
    retentionMs: parseRetention(values.retention),
  };
}

function parseRetention(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const parsed = parseDurationMs(text);
  if (parsed.ok) return parsed.value;
  throw new BerthError("invalid", `--retention: ${parsed.message}`);
}

function parseReplicas(text: string | undefined): ReplicaCount | undefined {
  const count = replicaCounts.find((possible) => String(possible) === text);
  if (count !== undefined || text === undefined) return count;
  throw new BerthError("invalid", `--replicas is ${replicaCounts.join(" or ")}, not '${text}'`);
}
