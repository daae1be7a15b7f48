import type { NumaNode } from "@berth/protocol";
import { countOfCpuList } from "../../core/hardware/cpu-list.ts";
import { listSys, readSys } from "./sys-files.ts";

const KIB_PER_MIB = 1024;

/** The kernel's NUMA nodes; none where it does not tell. */
export function discoverNumaNodes(sys = "/sys"): NumaNode[] {
  const folder = `${sys}/devices/system/node`;
  return listSys(folder)
    .flatMap((name) => /^node(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
    .map((id) => {
      const cpus = readSys(`${folder}/node${id}/cpulist`) ?? "";
      return {
        id,
        cpus,
        threads: countOfCpuList(cpus),
        memoryMiB: memoryOf(readSys(`${folder}/node${id}/meminfo`) ?? ""),
        distances: (readSys(`${folder}/node${id}/distance`) ?? "")
          .split(/\s+/)
          .filter((distance) => /^\d+$/.test(distance))
          .map(Number),
      };
    });
}

function memoryOf(meminfo: string): number {
  const kib = /MemTotal:\s+(\d+) kB/.exec(meminfo)?.[1];
  return kib === undefined ? 0 : Math.floor(Number(kib) / KIB_PER_MIB);
}
