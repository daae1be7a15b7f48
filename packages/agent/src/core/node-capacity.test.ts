import { describe, expect, test } from "vitest";
import { capacityOf, defaultReserved } from "./node-capacity.ts";

describe("capacity", () => {
  const cpu = {
    model: null,
    architecture: "x86_64",
    sockets: 1,
    cores: 1,
    threads: 64,
    maxMHz: null,
  };
  const link = (speedMbps: number | null, up = true) => ({
    name: "e",
    mac: null,
    addresses: [],
    speedMbps,
    up,
  });

  test("has the network of the links that are up and known, or what the operator says", () => {
    const hardware = {
      cpu,
      memoryMiB: 1_000,
      networkInterfaces: [link(10_000), link(25_000), link(1_000, false), link(null)],
    };
    expect(capacityOf(hardware, 5, null).networkMbps).toBe(35_000);
    expect(capacityOf(hardware, 5, 100).networkMbps).toBe(100);
    expect(
      capacityOf({ ...hardware, networkInterfaces: [link(null)] }, 5, null).networkMbps,
    ).toBeNull();
  });

  test("keeps back a share, a least amount, and never more than a quarter of a small machine", () => {
    const large = { cpuMillis: 64_000, memoryMiB: 512_000, diskMiB: 1_000, networkMbps: 10 };
    expect(defaultReserved(large)).toEqual({
      cpuMillis: 1_280,
      memoryMiB: 15_360,
      diskMiB: 100,
      networkMbps: 0,
    });
    const small = { cpuMillis: 2_000, memoryMiB: 1_024, diskMiB: 0, networkMbps: null };
    expect(defaultReserved(small)).toEqual({
      cpuMillis: 200,
      memoryMiB: 256,
      diskMiB: 0,
      networkMbps: null,
    });
  });
});
