import { kernelPciAddress } from "./pci-address.ts";

/** An error that the NVIDIA driver wrote into the kernel's log. */
export interface Xid {
  readonly pciAddress: string;
  readonly code: number;
}

/** `NVRM: Xid (PCI:0000:3b:00): 79, pid='<unknown>', GPU has fallen off the bus.`; null for others. */
export function parseXid(line: string): Xid | null {
  const [, address, code] =
    /NVRM: Xid \(PCI:([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2})(?:\.[0-7])?\): (\d+)/i.exec(line) ??
    [];
  const pciAddress = address === undefined ? null : kernelPciAddress(`${address}.0`);
  return pciAddress === null ? null : { pciAddress, code: Number(code) };
}

/** The driver was loaded again: what was wrong before may be mended. */
export function isDriverStart(line: string): boolean {
  return /NVRM: loading NVIDIA UNIX/.test(line);
}

/**
 * Errors that a program makes, that it alone suffers from, or that only tell of something that was
 * handled: 13, 31, 43, 45, 68 and 109 are those of applications in NVIDIA's device plugin for
 * Kubernetes; 63 (memory will be remapped), 92 (many corrected errors) and 94 (an error that stayed
 * with one program) are no reason to stop using the device in NVIDIA's catalogue of Xid errors.
 */
const HARMLESS: ReadonlySet<number> = new Set([13, 31, 43, 45, 63, 68, 92, 94, 109]);

export function isHardwareError({ code }: Xid): boolean {
  return !HARMLESS.has(code);
}

const WORDS: ReadonlyMap<number, string> = new Map([
  [48, "memory error that could not be corrected"],
  [64, "broken memory could not be remapped"],
  [74, "NVLink error"],
  [79, "it has fallen off the bus"],
  [95, "memory error that several programs may have suffered from"],
  [119, "its firmware does not answer"],
  [120, "its firmware failed"],
  [140, "memory error that was not recovered from"],
]);

/** For people: `Xid 79: it has fallen off the bus`. */
export function describeXid({ code }: Xid): string {
  const words = WORDS.get(code);
  return words === undefined ? `Xid ${code} in the kernel's log` : `Xid ${code}: ${words}`;
}
