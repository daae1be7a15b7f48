import type { Gpu } from "@berth/protocol";
import { listAt, numberAt, parseJson, textAt } from "./json-value.ts";

const BYTES_PER_MIB = 1_048_576;

/** The numbers of the devices that `xpu-smi discovery -j` lists. */
export function parseIntelNumbers(discovery: string): number[] {
  return listAt(parseJson(discovery), "device_list").flatMap(
    (device) => numberAt(device, "device_id") ?? [],
  );
}

/** One device as `xpu-smi discovery -d <number> -j` has it; null for one without an id. */
export function parseIntelDevice(details: string): Gpu | null {
  const device = parseJson(details);
  const uuid = textAt(device, "uuid");
  if (uuid === null) return null;
  const bytes = numberAt(device, "memory_physical_size_byte");
  const ecc = textAt(device, "memory_ecc_state");
  return {
    uuid,
    vendor: "intel",
    model: textAt(device, "device_name") ?? "unknown",
    memoryMiB: bytes === null ? null : Math.floor(bytes / BYTES_PER_MIB),
    driverVersion: textAt(device, "driver_version"),
    pciAddress: textAt(device, "pci_bdf_address"),
    hasEcc: ecc === null ? null : ecc === "enabled",
  };
}
