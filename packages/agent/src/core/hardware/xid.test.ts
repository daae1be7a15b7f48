import { expect, test } from "vitest";
import { describeXid, isDriverStart, isHardwareError, parseXid } from "./xid.ts";

test.each([
  [
    "NVRM: Xid (PCI:0000:3b:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.",
    { pciAddress: "0000:3b:00.0", code: 79 },
  ],
  ["NVRM: Xid (PCI:0000:10:00.0): 48, DBE", { pciAddress: "0000:10:00.0", code: 48 }],
  ["[Mon] NVRM: Xid (PCI:00000000:1A:00): 31, MMU Fault", { pciAddress: "0000:1a:00.0", code: 31 }],
  ["NVRM: GPU at PCI:0000:18:00.0 has fallen off the bus.", null],
  ["eth0: link up", null],
])("%s", (line, xid) => {
  expect(parseXid(line)).toEqual(xid);
});

test("errors that programs make, or that were handled, say nothing against the device", () => {
  const at = (code: number) => ({ pciAddress: "0000:3b:00.0", code });
  const harmless = [13, 31, 43, 45, 63, 68, 92, 94, 109];
  expect(harmless.map(at).filter(isHardwareError)).toEqual([]);
  expect([48, 64, 74, 79, 95, 119, 999].map(at).every(isHardwareError)).toBe(true);
  expect(describeXid(at(79))).toBe("Xid 79: it has fallen off the bus");
  expect(describeXid(at(999))).toBe("Xid 999 in the kernel's log");
});

test("a driver that is loaded again starts with a clean slate", () => {
  const line =
    "NVRM: loading NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024";
  expect(isDriverStart(line)).toBe(true);
  expect(isDriverStart("NVRM: Xid (PCI:0000:3b:00): 79")).toBe(false);
});
