import { realpathSync } from "node:fs";
import path from "node:path";
import type { Hardware } from "@berth/protocol";
import { listSys, readSys, readSysNumber, wholeMiB } from "./sys-files.ts";

type Disk = Hardware["disks"][number];

const SECTOR_BYTES = 512;
const BY_ID = "/dev/disk/by-id";
/** Block devices that are no hardware: loops, memory, mapped and assembled ones, optical drives. */
const VIRTUAL = /^(loop|ram|zram|dm-|md|sr|fd|nbd)/;
/** Paravirtual disks call themselves rotating whatever is behind them. */
const PARAVIRTUAL = /^(vd|xvd)/;

export function discoverDisks(sys = "/sys", byId = BY_ID): Disk[] {
  const ids = stableNames(byId);
  const disks: Disk[] = [];
  for (const name of listSys(`${sys}/block`)) {
    const sectors = readSysNumber(`${sys}/block/${name}/size`) ?? 0;
    if (VIRTUAL.test(name) || sectors === 0) continue;
    const device = `${sys}/block/${name}/device`;
    const serial = readSys(`${device}/serial`) ?? readSys(`${sys}/block/${name}/serial`);
    const wwn = readSys(`${device}/wwid`) ?? readSys(`${sys}/block/${name}/wwid`);
    disks.push({
      id: ids.get(name) ?? wwn ?? serial ?? name,
      device: `/dev/${name}`,
      mediaClass: mediaClassOf(name, sys),
      sizeMiB: wholeMiB(sectors * SECTOR_BYTES),
      model: readSys(`${device}/model`),
      serial,
      wwn,
      // That of an NVMe disk stands at its controller, that of others further up or nowhere.
      numaNode: readSysNumber(`${device}/numa_node`) ?? readSysNumber(`${device}/device/numa_node`),
      health: null,
    });
  }
  return disks;
}

/** Null for what is no hardware, and where it does not say. */
export function mediaClassOf(name: string, sys = "/sys"): Disk["mediaClass"] {
  if (name.startsWith("nvme")) return "nvme";
  if (PARAVIRTUAL.test(name) || VIRTUAL.test(name)) return null;
  const rotational = readSysNumber(`${sys}/block/${name}/queue/rotational`);
  if (rotational === null) return null;
  return rotational === 0 ? "ssd" : "hdd";
}

/** Device name → the first of its links that says what the device is; WWNs say the least. */
function stableNames(byId: string): Map<string, string> {
  const names = new Map<string, string>();
  const links = listSys(byId).sort((a, b) => Number(isWwn(a)) - Number(isWwn(b)));
  for (const link of links) {
    try {
      const device = path.basename(realpathSync(path.join(byId, link)));
      if (!names.has(device)) names.set(device, link);
    } catch {
      // A link whose device has just gone.
    }
  }
  return names;
}

function isWwn(link: string): boolean {
  return link.startsWith("wwn-") || link.startsWith("nvme-eui.");
}
