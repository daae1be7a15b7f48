import { allocationId } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { nodeId, serviceSpec } from "../testing/builders.ts";
import { type AllocationProgress, AllocationTable, type Placement } from "./allocation-table.ts";

const spec = serviceSpec();
const revision = { workloadId: "default/web" as never, version: 1, spec };
const amounts = { cpuMillis: 100, memoryMiB: 64, diskMiB: 0, networkMbps: 0 };

function placement(number: number, more: Partial<Placement> = {}): Placement {
  return {
    number,
    revision,
    index: number,
    attempt: 1,
    place: { nodeId: nodeId(0), nodeName: "n0" },
    granted: { ...amounts, gpuUuids: [], ports: {} },
    placedAtUnixMs: 1_790_000_000_000,
    ...more,
  };
}

const placed: AllocationProgress = {
  status: "placed",
  health: "none",
  stopReason: null,
  pid: null,
  startedAtUnixMs: null,
  message: null,
  exit: null,
  finishedAtUnixMs: null,
};

describe("the table of allocations", () => {
  test("gives back what was put in", () => {
    const table = new AllocationTable();
    const granted = { ...amounts, cpuMillis: 7, gpuUuids: ["GPU-1"], ports: { http: 80 } };
    const progress: AllocationProgress = {
      status: "failed",
      health: "unhealthy",
      stopReason: "node.drained",
      pid: 0,
      startedAtUnixMs: 0,
      message: "",
      exit: { kind: "code", code: 3 },
      finishedAtUnixMs: 1_790_000_000_001,
    };
    table.add(placement(2 ** 40, { granted, attempt: 9 }), progress);
    const record = table.get(allocationId(2 ** 40));
    expect(record).toMatchObject({ ...progress, granted, attempt: 9, outcome: "failed", spec });
    expect(record).toMatchObject({ id: "a1099511627776", workloadVersion: 1, nodeName: "n0" });
  });

  test("lists in order of numbers, also where deleted rows are used again", () => {
    const table = new AllocationTable();
    for (let n = 1; n <= 200; n += 1) table.add(placement(n), placed);
    for (let n = 1; n <= 200; n += 2) table.delete(allocationId(n));
    for (let n = 201; n <= 300; n += 1) table.add(placement(n), placed);
    const numbers = [...table.values()].map(({ number }) => number);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(table.size).toBe(200);
    expect(table.has(allocationId(1))).toBe(false);
    for (const record of table.values()) expect(record.index).toBe(record.number);
  });

  test("a row that is used again has nothing of the allocation before", () => {
    const table = new AllocationTable();
    const rare = { gpuUuids: ["GPU-1"], zone: 1, ports: { http: 80 } };
    const ended = { message: "gone", exit: { kind: "code", code: 1 } } as const;
    table.add(placement(1, { granted: { ...amounts, ...rare } }), { ...placed, ...ended });
    expect(table.get(allocationId(1))).toMatchObject({ ...ended, granted: rare });
    table.delete(allocationId(1));
    table.add(placement(2), placed);
    const record = table.get(allocationId(2));
    expect(record).toMatchObject({ message: null, exit: null });
    expect(record?.granted).toEqual({ ...amounts, gpuUuids: [], ports: {} });
  });

  test("a record changes with the table and is useless once it is forgotten", () => {
    const table = new AllocationTable();
    table.add(placement(1), placed);
    const record = table.get(allocationId(1));
    const other = table.get(allocationId(1));
    if (record) record.status = "running";
    expect(other?.status).toBe("running");
    table.delete(allocationId(1));
    table.add(placement(2), placed);
    expect(() => record?.status).toThrow("forgotten");
  });
});
