import { existsSync, readlinkSync } from "node:fs";
import { networkInterfaces as addressesOfHost } from "node:os";
import path from "node:path";
import type { Hardware } from "@berth/protocol";
import { listSys, readSys, readSysNumber } from "./sys-files.ts";

type NetworkInterface = Hardware["networkInterfaces"][number];

const FOLDER = "/sys/class/net";
const IFF_UP = 0x1;

/**
 * Interfaces with hardware behind them; in a container, where there is none to see, those with an
 * address. Bridges, tunnels and bonds carry what the hardware carries and are left out.
 */
export function discoverNetworkInterfaces(): NetworkInterface[] {
  const names = listSys(FOLDER).filter((name) => name !== "lo");
  const physical = names.filter((name) => existsSync(`${FOLDER}/${name}/device`));
  const addresses = addressesOfHost();
  const chosen = physical.length > 0 ? physical : names.filter((name) => name in addresses);
  return chosen.map((name) => {
    const isHardware = physical.length > 0;
    const speed = readSysNumber(`${FOLDER}/${name}/speed`);
    return {
      name,
      mac: readSys(`${FOLDER}/${name}/address`),
      addresses: (addresses[name] ?? []).map(({ address }) => address).sort(),
      // A virtual link's speed is an invention, and so is 0 for a link that is down.
      speedMbps: isHardware && speed !== null && speed > 0 ? speed : null,
      up: isUp(name),
      driver: isHardware ? lastOfLink(`${FOLDER}/${name}/device/driver`) : null,
      pciAddress: isHardware ? pciAddressOf(name) : null,
      numaNode: isHardware ? readSysNumber(`${FOLDER}/${name}/device/numa_node`) : null,
    };
  });
}

/** Null for what is on no PCI bus of its own (virtio has a device in between). */
function pciAddressOf(name: string): string | null {
  const device = lastOfLink(`${FOLDER}/${name}/device`);
  return device !== null && /^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/.test(device)
    ? device
    : null;
}

function lastOfLink(link: string): string | null {
  try {
    return path.basename(readlinkSync(link));
  } catch {
    return null;
  }
}

function isUp(name: string): boolean {
  const state = readSys(`${FOLDER}/${name}/operstate`);
  if (state !== "unknown") return state === "up";
  return (Number(readSys(`${FOLDER}/${name}/flags`) ?? 0) & IFF_UP) !== 0;
}
