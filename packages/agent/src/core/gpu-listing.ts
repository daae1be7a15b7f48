import type { Gpu } from "@berth/protocol";

/** The columns asked of `nvidia-smi --query-gpu`, in the order `parseGpuListing` expects. */
export const GPU_QUERY = "uuid,name,memory.total,driver_version,pci.bus_id";

/**
 * Lines of `--format=csv,noheader,nounits`. A line that is not a device (a warning, a device that
 * fell off the bus) is left out; a column the driver cannot tell (`[N/A]`) is null.
 */
export function parseGpuListing(text: string): Gpu[] {
  const gpus: Gpu[] = [];
  for (const line of text.split("\n")) {
    const columns = line.split(", ").map((column) => column.trim());
    const [uuid, model, memory, driver, pci] = columns;
    if (columns.length !== 5 || uuid === undefined || !/^GPU-[0-9A-Za-z-]+$/.test(uuid)) continue;
    gpus.push({
      uuid,
      model: known(model) ?? "unknown",
      memoryMiB: /^\d+$/.test(memory ?? "") ? Number(memory) : null,
      driverVersion: known(driver),
      pciAddress: known(pci),
    });
  }
  return gpus.sort((a, b) => (a.uuid < b.uuid ? -1 : 1));
}

function known(column: string | undefined): string | null {
  return column === undefined || column === "" || column.startsWith("[") ? null : column;
}

type Slice = NonNullable<Gpu["slices"]>[number];

const GPU_LINE = /^GPU \d+: .*\(UUID: (GPU-[0-9A-Za-z-]+)\)/;
/** Older drivers name a slice after its device and instances: `MIG-GPU-…/1/0`. */
const SLICE_LINE = /^\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (MIG-[0-9A-Za-z/-]+)\)/;

/**
 * What `nvidia-smi -L` says that devices are partitioned into, by the device's uuid. A profile's
 * name only comes near its memory (`1g.5gb` has 4,864 MiB), so how much it has is unknown here.
 */
export function parseSliceListing(text: string): ReadonlyMap<string, readonly Slice[]> {
  const slices = new Map<string, Slice[]>();
  let current: Slice[] | null = null;
  for (const line of text.split("\n")) {
    const gpu = GPU_LINE.exec(line)?.[1];
    const [, profile, uuid] = SLICE_LINE.exec(line) ?? [];
    if (gpu !== undefined) {
      current = [];
      slices.set(gpu, current);
    } else if (profile !== undefined && uuid !== undefined) {
      current?.push({ uuid, profile, memoryMiB: null });
    }
  }
  return slices;
}

/** The devices with what they are partitioned into. */
export function withSlices(
  gpus: readonly Gpu[],
  slices: ReadonlyMap<string, readonly Slice[]>,
): Gpu[] {
  return gpus.map((gpu) => {
    const own = slices.get(gpu.uuid) ?? [];
    return own.length === 0 ? gpu : { ...gpu, slices: [...own] };
  });
}
