import { parseArgs } from "node:util";
import { BerthError } from "@berth/protocol";
import { createLogger, runService } from "@berth/runtime/node";
import type { GatewayOptions } from "./gateway/gateway-options.ts";
import { runGateway } from "./gateway/run-gateway.ts";

/**
 *     node main.js --server nats://127.0.0.1:7422 --credentials <seed file> [--port 7420]
 *         [--web <folder>] [--allow-host name:port]...
 *
 * `BERTH_SERVER`, `BERTH_CREDENTIALS` and `BERTH_CONSOLE_PORT` stand in for the first three.
 */
const logger = createLogger({ name: "console" });

await runService({ logger }, (stop) => runGateway({ ...readOptions(), stop, logger }));

function readOptions(): GatewayOptions {
  const { values } = parseArgs({
    options: {
      server: { type: "string" },
      credentials: { type: "string" },
      port: { type: "string" },
      web: { type: "string" },
      "allow-host": { type: "string", multiple: true },
    },
  });
  const { env } = process;
  const server = values.server ?? env["BERTH_SERVER"];
  if (server === undefined || server === "") {
    throw new BerthError("invalid", "no NATS server given", {
      hint: "Use --server nats://host:port, or set BERTH_SERVER.",
    });
  }
  return {
    server,
    credentials: values.credentials ?? env["BERTH_CREDENTIALS"],
    port: readPort(values.port ?? env["BERTH_CONSOLE_PORT"] ?? "0"),
    allowedHosts: values["allow-host"] ?? [],
    ...(values.web === undefined ? {} : { webFolder: values.web }),
  };
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new BerthError("invalid", `--port takes a number up to 65535, not '${text}'`);
}
