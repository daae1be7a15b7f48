import type { Gpu } from "@berth/protocol";
import type { NumaNode } from "../../core/numa-zones.ts";
import { listSys, readSys, readSysNumber } from "./sys-files.ts";

const KIB_PER_MIB = 1024;

/** The kernel's NUMA nodes with their processors, memory and GPUs; none where it does not tell. */
export function discoverNumaNodes(gpus: readonly Gpu[], sys = "/sys"): NumaNode[] {
  const folder = `${sys}/devices/system/node`;
  return listSys(folder)
    .flatMap((name) => /^node(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
    .map((id) => ({
      id,
      threads: countOf(readSys(`${folder}/node${id}/cpulist`) ?? ""),
      memoryMiB: memoryOf(readSys(`${folder}/node${id}/meminfo`) ?? ""),
      gpuUuids: gpus
        .filter(({ pciAddress }) => pciAddress !== null && numaNodeOf(pciAddress, sys) === id)
        .flatMap(grantedUuids),
    }));
}

/** What is granted of a device: itself, or each slice of it. */
function grantedUuids({ uuid, slices = [] }: Gpu): string[] {
  return slices.length === 0 ? [uuid] : slices.map((slice) => slice.uuid);
}

/** The driver's tool writes a domain of eight digits in capitals, the kernel one of four. */
function numaNodeOf(pciAddress: string, sys: string): number | null {
  const [, domain, rest] = /^([0-9A-F]{4,8}):(.*)$/i.exec(pciAddress) ?? [];
  if (domain === undefined || rest === undefined) return null;
  const address = `${domain.slice(-4)}:${rest}`.toLowerCase();
  return readSysNumber(`${sys}/bus/pci/devices/${address}/numa_node`);
}

/** `0-3,8,10-11` names seven. */
function countOf(list: string): number {
  let count = 0;
  for (const [, from, to] of list.matchAll(/(\d+)(?:-(\d+))?/g)) {
    count += Number(to ?? from) - Number(from) + 1;
  }
  return count;
}

function memoryOf(meminfo: string): number {
  const kib = /MemTotal:\s+(\d+) kB/.exec(meminfo)?.[1];
  return kib === undefined ? 0 : Math.floor(Number(kib) / KIB_PER_MIB);
}
