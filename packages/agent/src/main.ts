import { parseArgs } from "node:util";
import { BerthError, ResourceAmounts } from "@berth/protocol";
import { createLogger, runService } from "@berth/runtime/node";
import type { AgentOptions, PortRange } from "./agent-options.ts";
import { parseDevices, parseInterfaceSpeeds, parsePool, parseTaints } from "./core/declarations.ts";
import { runAgent } from "./run-agent.ts";

/**
 *     node main.js --server nats://127.0.0.1:7422 --credentials <seed file> --state <folder>
 *         [--name r1-s01] [--label rack=r1]... [--meta key=value]... [--network-mbps 10000]
 *         [--reserved cpuMillis=500]... [--ports 20000-31999] [--pool batch]
 *         [--taint maintenance="new fans"]... [--device fpga=2]... [--interface-mbps eth0=10000]...
 *
 * `BERTH_SERVER`, `BERTH_CREDENTIALS` and `BERTH_STATE` stand in for the first three.
 */
const logger = createLogger({ name: "agent" });

await runService({ logger }, (stop) => runAgent({ ...readOptions(), stop, logger }));

function readOptions(): AgentOptions {
  const { values } = parseArgs({
    options: {
      server: { type: "string" },
      credentials: { type: "string" },
      state: { type: "string" },
      name: { type: "string" },
      label: { type: "string", multiple: true },
      meta: { type: "string", multiple: true },
      reserved: { type: "string", multiple: true },
      "network-mbps": { type: "string" },
      ports: { type: "string" },
      pool: { type: "string" },
      taint: { type: "string", multiple: true },
      device: { type: "string", multiple: true },
      "interface-mbps": { type: "string", multiple: true },
    },
  });
  const { env } = process;
  return {
    server: required("server", values.server ?? env["BERTH_SERVER"]),
    credentials: required("credentials", values.credentials ?? env["BERTH_CREDENTIALS"]),
    state: required("state", values.state ?? env["BERTH_STATE"]),
    labels: pairs("label", values.label),
    meta: pairs("meta", values.meta),
    reserved: readReserved(values.reserved),
    taints: parseTaints(values.taint),
    devices: parseDevices(values.device),
    interfaceMbps: parseInterfaceSpeeds(values["interface-mbps"]),
    ...(values.pool === undefined ? {} : { pool: parsePool(values.pool) }),
    ...(values.name === undefined ? {} : { nodeName: values.name }),
    ...(values["network-mbps"] === undefined
      ? {}
      : { networkMbps: wholeNumber("network-mbps", values["network-mbps"]) }),
    ...(values.ports === undefined ? {} : { portRange: readPorts(values.ports) }),
  };
}

function required(name: string, value: string | undefined): string {
  if (value !== undefined && value !== "") return value;
  throw new BerthError("invalid", `--${name} is missing`, {
    hint: `Give --${name}, or set BERTH_${name.toUpperCase()}.`,
  });
}

function pairs(name: string, values: readonly string[] = []): Record<string, string> {
  const entries = values.map((pair) => {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
    if (key !== undefined && value !== undefined) return [key, value] as const;
    throw new BerthError("invalid", `--${name} takes key=value, not '${pair}'`);
  });
  return Object.fromEntries(entries);
}

function readReserved(values: readonly string[] = []): Partial<ResourceAmounts> {
  const reserved = Object.entries(pairs("reserved", values)).map(
    ([dimension, amount]) => [dimension, wholeNumber("reserved", amount)] as const,
  );
  const parsed = ResourceAmounts.partial().strict().safeParse(Object.fromEntries(reserved));
  if (!parsed.success) {
    throw new BerthError(
      "invalid",
      "--reserved takes one of cpuMillis, memoryMiB, diskMiB and networkMbps",
    );
  }
  return Object.fromEntries(reserved);
}

function readPorts(text: string): PortRange {
  const [, from, to] = /^(\d+)-(\d+)$/.exec(text) ?? [];
  const range = { from: Number(from), to: Number(to) };
  if (range.from >= 1 && range.from <= range.to && range.to <= 65_535) return range;
  throw new BerthError("invalid", `--ports takes a range such as 20000-31999, not '${text}'`);
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new BerthError("invalid", `--${name} takes a whole number, not '${text}'`);
}
