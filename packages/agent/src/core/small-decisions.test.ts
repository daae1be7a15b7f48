import { type AllocationId, type AllocationReport, allocationId } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { backoffMs } from "./backoff.ts";
import { exitOfStatus, outcomeOf, parseIdentity, parseStatus } from "./exit-status.ts";
import { parseGpuListing } from "./gpu-listing.ts";
import { capacityOf, defaultReserved } from "./node-capacity.ts";
import { acknowledge, emptyQueue, enqueue, nextBatch } from "./report-queue.ts";
import { expiredFolders } from "./retention.ts";
import { cpuMillisBetween, hostRates } from "./usage-rates.ts";

describe("a wait status", () => {
  const names = new Map([[15, "SIGTERM"]]);
  test.each([
    [0, { kind: "code", code: 0 }],
    [128, { kind: "code", code: 128 }],
    [143, { kind: "signal", signal: "SIGTERM" }],
    [163, { kind: "signal", signal: "SIG35" }],
    [193, { kind: "code", code: 193 }],
    [255, { kind: "code", code: 255 }],
  ])("of %i is read as every shell does", (status, exit) => {
    expect(exitOfStatus(status, names)).toEqual(exit);
  });

  test("means complete, failed or, when told to stop, stopped", () => {
    expect(outcomeOf({ kind: "code", code: 0 }, false)).toBe("complete");
    expect(outcomeOf({ kind: "code", code: 1 }, false)).toBe("failed");
    expect(outcomeOf({ kind: "signal", signal: "SIGKILL" }, true)).toBe("stopped");
  });
});

describe("a record of the shim", () => {
  test("counts only when its line is complete", () => {
    expect(parseIdentity("12 34\n")).toEqual({ pid: 12, startTicks: 34 });
    for (const part of ["", "12", "12 3", "12 34", "x 1\n"]) expect(parseIdentity(part)).toBeNull();
    expect(parseStatus("143    \n")).toBe(143);
    for (const part of ["pending\n", "", "14", "256    \n"]) expect(parseStatus(part)).toBeNull();
  });
});

describe("the report queue", () => {
  const running = (id: string, pid: number): AllocationReport => ({
    state: "running",
    allocationId: id as AllocationId,
    startedAtUnixMs: 1,
    pid,
    health: "none",
    message: null,
  });
  const finished = (id: string): AllocationReport => ({
    state: "finished",
    allocationId: id as AllocationId,
    outcome: "complete",
    exit: { kind: "code", code: 0 },
    startedAtUnixMs: 1,
    finishedAtUnixMs: 2,
    message: null,
  });

  test("keeps the latest of each allocation, and an end for good", () => {
    let queue = enqueue(enqueue(emptyQueue, running("a1", 1)), running("a1", 2));
    expect(nextBatch(queue, 9)).toEqual([running("a1", 2)]);
    queue = enqueue(enqueue(queue, finished("a1")), running("a1", 3));
    expect(nextBatch(queue, 9)).toEqual([finished("a1")]);
  });

  test("sends ends first and no more than a message holds", () => {
    let queue = emptyQueue;
    for (const report of [running("a1", 1), finished("a2"), running("a3", 3)])
      queue = enqueue(queue, report);
    expect(nextBatch(queue, 2)).toEqual([finished("a2"), running("a1", 1)]);
  });

  test("keeps what has come while a message was on its way", () => {
    const before = enqueue(emptyQueue, running("a1", 1));
    const sent = nextBatch(before, 9);
    const queue = acknowledge(enqueue(before, finished("a1")), sent);
    expect(nextBatch(queue, 9)).toEqual([finished("a1")]);
    expect(nextBatch(acknowledge(queue, nextBatch(queue, 9)), 9)).toEqual([]);
  });
});

describe("finished folders", () => {
  const folder = (number: number, sizeBytes: number, isSettled = true) => ({
    allocationId: allocationId(number),
    finishedAtUnixMs: number,
    sizeBytes,
    isSettled,
  });
  test("go oldest first beyond a number or a size, but never before they are settled", () => {
    const three = [folder(1, 10), folder(2, 10), folder(3, 10)];
    expect(expiredFolders(three, { foldersMax: 2, bytesMax: 100 })).toEqual(["a1"]);
    expect(expiredFolders(three, { foldersMax: 9, bytesMax: 25 })).toEqual(["a1"]);
    const unsettled = [folder(1, 10, false), folder(2, 10), folder(3, 10)];
    expect(expiredFolders(unsettled, { foldersMax: 1, bytesMax: 100 })).toEqual(["a2"]);
  });
});

test("a listing of GPUs survives warnings, missing values and devices that fell off the bus", () => {
  const text = [
    "GPU-b, NVIDIA H100 80GB HBM3, 81559, 550.54.15, 00000000:4E:00.0",
    "Unable to determine the device handle for GPU 0000:3B:00.0: Unknown Error",
    "GPU-a, NVIDIA A100-SXM4-40GB, [N/A], [N/A], 00000000:07:00.0",
    "",
  ].join("\n");
  expect(parseGpuListing(text)).toEqual([
    {
      uuid: "GPU-a",
      model: "NVIDIA A100-SXM4-40GB",
      memoryMiB: null,
      driverVersion: null,
      pciAddress: "00000000:07:00.0",
    },
    {
      uuid: "GPU-b",
      model: "NVIDIA H100 80GB HBM3",
      memoryMiB: 81_559,
      driverVersion: "550.54.15",
      pciAddress: "00000000:4E:00.0",
    },
  ]);
});

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

describe("rates", () => {
  test("are unknown at first and when a counter goes back", () => {
    const at = (atMs: number, busyMs: number, bytes: number) => ({
      atMs,
      busyMs,
      receivedBytes: bytes,
      sentBytes: null,
    });
    expect(hostRates(null, at(0, 0, 0))).toEqual({
      cpuMillis: null,
      receivedMbps: null,
      sentMbps: null,
    });
    expect(hostRates(at(0, 0, 0), at(1_000, 1_500, 125_000))).toEqual({
      cpuMillis: 1_500,
      receivedMbps: 1,
      sentMbps: null,
    });
    expect(hostRates(at(0, 9, 9), at(1_000, 0, 0))).toEqual({
      cpuMillis: null,
      receivedMbps: null,
      sentMbps: null,
    });
  });
  test("of a task never go below zero when a part of it ends", () => {
    expect(cpuMillisBetween(undefined, { atMs: 1, cpuMs: 1 })).toBeNull();
    expect(cpuMillisBetween({ atMs: 0, cpuMs: 50 }, { atMs: 100, cpuMs: 10 })).toBe(0);
    expect(cpuMillisBetween({ atMs: 0, cpuMs: 0 }, { atMs: 100, cpuMs: 25 })).toBe(250);
  });
});

test("waits double up to the most", () => {
  expect([1, 2, 3, 9, 99].map((failures) => backoffMs(failures, 100, 1_000))).toEqual([
    100, 200, 400, 1_000, 1_000,
  ]);
});
