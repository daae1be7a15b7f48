import { availableParallelism, machine } from "node:os";
import type { Hardware } from "@berth/protocol";
import { countCaches, type SeenCache } from "../../core/hardware/cpu-caches.ts";
import { listSys, readSys, readSysNumber } from "./sys-files.ts";

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
  const caches = countCaches(seenCaches());
  const maxKHz = readSysNumber("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq");
  return {
    model: processors[0]?.get("model name") ?? null,
    architecture: machine(),
    sockets: sockets.size || null,
    cores: cores.size || null,
    threads: processors.length || availableParallelism(),
    maxMHz: maxKHz === null ? null : maxKHz / KHZ_PER_MHZ,
    ...(caches.length === 0 ? {} : { caches }),
  };
}

/** As each processor sees them; none where the kernel does not tell (many virtual machines). */
export function seenCaches(sys = "/sys"): SeenCache[] {
  const folder = `${sys}/devices/system/cpu`;
  return listSys(folder)
    .filter((name) => /^cpu\d+$/.test(name))
    .flatMap((cpu) =>
      listSys(`${folder}/${cpu}/cache`)
        .filter((name) => /^index\d+$/.test(name))
        .map((index) => {
          const cache = `${folder}/${cpu}/cache/${index}`;
          return {
            level: readSysNumber(`${cache}/level`) ?? 0,
            type: readSys(`${cache}/type`) ?? "",
            size: readSys(`${cache}/size`) ?? "",
            sharedBy: readSys(`${cache}/shared_cpu_list`) ?? cpu,
          };
        }),
    );
}

function fieldsOf(block: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return fields;
}
