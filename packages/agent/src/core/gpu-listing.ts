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
