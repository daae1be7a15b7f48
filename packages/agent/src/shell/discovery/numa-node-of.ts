import { kernelPciAddress } from "../../core/hardware/pci-address.ts";
import { readSysNumber } from "./sys-files.ts";

/** Null where the firmware does not say (-1), and for what is no PCI device. */
export function numaNodeOf(pciAddress: string | null, sys = "/sys"): number | null {
  const address = pciAddress === null ? null : kernelPciAddress(pciAddress);
  return address === null ? null : readSysNumber(`${sys}/bus/pci/devices/${address}/numa_node`);
}
