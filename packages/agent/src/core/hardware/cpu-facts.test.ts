import { expect, test } from "vitest";
import { countCaches } from "./cpu-caches.ts";
import { countOfCpuList } from "./cpu-list.ts";
import { kernelPciAddress } from "./pci-address.ts";

test("each cache counts once, however many processors share it", () => {
  const core = (cpus: string) => [
    { level: 1, type: "Data", size: "32K", sharedBy: cpus },
    { level: 1, type: "Instruction", size: "32K", sharedBy: cpus },
    { level: 2, type: "Unified", size: "1024K", sharedBy: cpus },
    { level: 3, type: "Unified", size: "32M", sharedBy: "0-3" },
    { level: 4, type: "Mystery", size: "1G", sharedBy: cpus },
  ];
  expect(countCaches([...core("0,2"), ...core("1,3"), ...core("0,2"), ...core("1,3")])).toEqual([
    { level: 1, kind: "data", sizeKiB: 32, count: 2 },
    { level: 1, kind: "instruction", sizeKiB: 32, count: 2 },
    { level: 2, kind: "unified", sizeKiB: 1_024, count: 2 },
    { level: 3, kind: "unified", sizeKiB: 32_768, count: 1 },
  ]);
});

test("the kernel's lists of processors are counted", () => {
  expect(["0-3,8,10-11", "0", ""].map(countOfCpuList)).toEqual([7, 1, 0]);
});

test("vendors' PCI addresses are turned into the kernel's", () => {
  expect(kernelPciAddress("00000000:4E:00.0")).toBe("0000:4e:00.0");
  expect(kernelPciAddress("0000:4e:00.0")).toBe("0000:4e:00.0");
  expect(kernelPciAddress("4e:00.0")).toBeNull();
});
