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

export function discoverDisks(): Disk[] {
  const ids = stableNames();
  const disks: Disk[] = [];
  for (const name of listSys("/sys/block")) {
    const sectors = readSysNumber(`/sys/block/${name}/size`) ?? 0;
    if (VIRTUAL.test(name) || sectors === 0) continue;
    disks.push({
      id: ids.get(name) ?? name,
      device: `/dev/${name}`,
      mediaClass: mediaClassOf(name),
      sizeMiB: wholeMiB(sectors * SECTOR_BYTES),
      model: readSys(`/sys/block/${name}/device/model`),
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
function stableNames(): Map<string, string> {
  const names = new Map<string, string>();
  const links = listSys(BY_ID).sort((a, b) => Number(isWwn(a)) - Number(isWwn(b)));
  for (const link of links) {
    try {
      const device = path.basename(realpathSync(path.join(BY_ID, link)));
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
