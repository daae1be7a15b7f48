import { readSys } from "./sys-files.ts";

const KIB_PER_MIB = 1024;

/** `/proc/meminfo` in MiB: null for a line that is not there. */
export function readMemory(): {
  totalMiB: number | null;
  availableMiB: number | null;
  swapMiB: number | null;
} {
  const text = readSys("/proc/meminfo") ?? "";
  const lineMiB = (name: string) => {
    const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text);
    return match === null ? null : Math.floor(Number(match[1]) / KIB_PER_MIB);
  };
  return {
    totalMiB: lineMiB("MemTotal"),
    availableMiB: lineMiB("MemAvailable"),
    swapMiB: lineMiB("SwapTotal"),
  };
}
