import type { Hardware, ResourceCapacity } from "@berth/protocol";

const MILLIS_PER_THREAD = 1_000;

/** Everything the node has. Network is the sum of the links that are up, where all are known. */
export function capacityOf(
  hardware: Pick<Hardware, "cpu" | "memoryMiB" | "networkInterfaces">,
  diskMiB: number,
  networkMbpsOverride: number | null,
): ResourceCapacity {
  return {
    cpuMillis: hardware.cpu.threads * MILLIS_PER_THREAD,
    memoryMiB: hardware.memoryMiB,
    diskMiB,
    networkMbps: networkMbpsOverride ?? linkSpeed(hardware.networkInterfaces),
  };
}

function linkSpeed(links: Hardware["networkInterfaces"]): number | null {
  const speeds = links.filter((link) => link.up).map((link) => link.speedMbps);
  const known = speeds.filter((speed) => speed !== null);
  return known.length === 0 ? null : known.reduce((sum, speed) => sum + speed, 0);
}

const CPU_RESERVED_MILLIS_MIN = 200;
const MEMORY_RESERVED_MIB_MIN = 512;
const SMALL_NODE_SHARE = 0.25;

/**
 * Kept back for the system by default: 2 % of the processors but at least 200m, 3 % of the memory
 * but at least 512 MiB, 10 % of the disk. The least amounts are what a kernel, a shell and the
 * agent need; on a machine so small that they are much, a quarter of it is enough.
 */
export function defaultReserved(capacity: ResourceCapacity): ResourceCapacity {
  const atLeast = (amount: number, share: number, least: number) =>
    Math.ceil(Math.min(amount * SMALL_NODE_SHARE, Math.max(amount * share, least)));
  return {
    cpuMillis: atLeast(capacity.cpuMillis, 0.02, CPU_RESERVED_MILLIS_MIN),
    memoryMiB: atLeast(capacity.memoryMiB, 0.03, MEMORY_RESERVED_MIB_MIN),
    diskMiB: Math.ceil(capacity.diskMiB * 0.1),
    networkMbps: capacity.networkMbps === null ? null : 0,
  };
}
