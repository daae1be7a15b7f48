import { parseGpuInformation, type GpuMinor } from "../../core/gpu-minors.ts";
import { parseProcessors, type Processor } from "../../core/cgroup/processors.ts";
import { listSys, readSys, readSysNumber } from "../discovery/sys-files.ts";

/** Block devices that are memory, files or nothing at all. */
const NO_DISK = /^(?:loop|ram|zram|nbd|sr|fd)\d/;

/** `MAJOR:MINOR` of every disk. */
export function readDisks(sys = "/sys"): string[] {
  return listSys(`${sys}/block`)
    .filter((name) => !NO_DISK.test(name) && (readSysNumber(`${sys}/block/${name}/size`) ?? 0) > 0)
    .flatMap((name) => readSys(`${sys}/block/${name}/dev`) ?? []);
}

/** Every processor that is online once, those of one core together. */
export function readCores(sys = "/sys"): Processor[][] {
  const folder = `${sys}/devices/system/cpu`;
  const online = parseProcessors(readSys(`${folder}/online`) ?? "");
  const cores = new Map<string, Processor[]>();
  for (const each of online) {
    const core = readSys(`${folder}/cpu${each}/topology/thread_siblings_list`) ?? String(each);
    cores.set(core, [...(cores.get(core) ?? []), each]);
  }
  return [...cores.values()];
}

/** The processors of a NUMA node; null where the kernel does not tell. */
export function readNodeProcessors(node: number, sys = "/sys"): Set<Processor> | null {
  const list = readSys(`${sys}/devices/system/node/node${node}/cpulist`);
  return list === null ? null : new Set(parseProcessors(list));
}

export function readGpuMinors(folder: string): GpuMinor[] {
  return listSys(folder).flatMap(
    (address) => parseGpuInformation(readSys(`${folder}/${address}/information`) ?? "") ?? [],
  );
}
