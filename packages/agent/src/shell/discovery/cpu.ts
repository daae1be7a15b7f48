import { availableParallelism, machine } from "node:os";
import type { Hardware } from "@berth/protocol";
import { readSys, readSysNumber } from "./sys-files.ts";

const KHZ_PER_MHZ = 1_000;

export function discoverCpu(): Hardware["cpu"] {
  const text = readSys("/proc/cpuinfo") ?? "";
  const processors = text
    .split("\n\n")
    .map(fieldsOf)
    .filter((fields) => fields.has("processor"));
  const sockets = new Set<string>();
  const cores = new Set<string>();
  for (const fields of processors) {
    const socket = fields.get("physical id");
    const core = fields.get("core id");
    if (socket !== undefined) sockets.add(socket);
    if (socket !== undefined && core !== undefined) cores.add(`${socket}/${core}`);
  }
  const maxKHz = readSysNumber("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq");
  return {
    model: processors[0]?.get("model name") ?? null,
    architecture: machine(),
    sockets: sockets.size || null,
    cores: cores.size || null,
    threads: processors.length || availableParallelism(),
    maxMHz: maxKHz === null ? null : maxKHz / KHZ_PER_MHZ,
  };
}

function fieldsOf(block: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return fields;
}
