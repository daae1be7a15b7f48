import { parseArgs } from "node:util";
import { BerthError } from "@berth/protocol";
import { createLogger, runService } from "@berth/runtime/node";
import { runScheduler } from "./run-scheduler.ts";

/**
 * `node main.js --server nats://127.0.0.1:7422 --credentials <seed file>`; the environment's
 * `BERTH_SERVER` and `BERTH_CREDENTIALS` stand in for what is not given. `--log-folder` names a folder on
 * the log's disk where that is this machine's.
 */
const logger = createLogger({ name: "scheduler" });

await runService({ logger }, async (stop) => {
  await runScheduler({ ...readOptions(), stop, logger });
});

function readOptions(): {
  server: string;
  credentials: string | undefined;
  logFolder: string | undefined;
} {
  const { values } = parseArgs({
    options: {
      server: { type: "string" },
      credentials: { type: "string" },
      "log-folder": { type: "string" },
    },
  });
  const server = values.server ?? process.env["BERTH_SERVER"];
  if (server === undefined) {
    throw new BerthError("invalid", "no NATS server given", {
      hint: "Use --server nats://host:port, or set BERTH_SERVER.",
    });
  }
  const credentials = values.credentials ?? process.env["BERTH_CREDENTIALS"];
  return { server, credentials, logFolder: values["log-folder"] };
}
