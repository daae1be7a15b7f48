import { describe, expect, test } from "vitest";
import { fixture } from "../../../test/support/fixture.ts";
import {
  NVIDIA_COLUMNS,
  type NvidiaColumn,
  parseNvidiaRow,
  parseNvidiaRows,
  withoutRefused,
} from "./nvidia-query.ts";

const BASIC: NvidiaColumn[] = [
  "index",
  "uuid",
  "name",
  "memory.total",
  "driver_version",
  "pci.bus_id",
];

test("a recorded row of a partitioned H100 is read, what it cannot tell as null", () => {
  expect(parseNvidiaRows(fixture("nvidia/h100-mig.csv"), NVIDIA_COLUMNS)).toEqual([
    {
      index: 0,
      gpu: {
        uuid: "GPU-00000000-0000-0000-0000-000000000000",
        vendor: "nvidia",
        model: "NVIDIA H100 80GB HBM3",
        memoryMiB: 81_559,
        driverVersion: "590.48.01",
        pciAddress: "00000000:00:09.0",
        isPartitioned: true,
        hasEcc: true,
        health: { state: "healthy", reason: null },
      },
      use: {
        utilizationPercent: null,
        memoryUtilizationPercent: null,
        memoryUsedMiB: 59,
        powerWatts: 71.15,
        temperatureCelsius: 42,
      },
    },
  ]);
});

test("a listing survives warnings, missing values and devices that fell off the bus", () => {
  const text = [
    "1, GPU-b, NVIDIA H100 80GB HBM3, 81559, 550.54.15, 00000000:4E:00.0",
    "Unable to determine the device handle for GPU 0000:3B:00.0: Unknown Error",
    "0, GPU-a, NVIDIA A100-SXM4-40GB, [N/A], [N/A], 00000000:07:00.0",
    "",
  ].join("\n");
  expect(parseNvidiaRows(text, BASIC)).toMatchObject([
    { index: 0, gpu: { uuid: "GPU-a", memoryMiB: null, driverVersion: null } },
    { index: 1, gpu: { uuid: "GPU-b", memoryMiB: 81_559, isPartitioned: null, hasEcc: null } },
  ]);
});

test("a column that the driver does not know is given up, one that identifies a device never", () => {
  const refusal = (field: string) => `Field "${field}" is not a valid field to query.\n`;
  const left = withoutRefused(NVIDIA_COLUMNS, refusal("gpu_recovery_action"));
  expect(left).toEqual(NVIDIA_COLUMNS.filter((column) => column !== "gpu_recovery_action"));
  expect(withoutRefused(left ?? [], refusal("gpu_recovery_action"))).toBeNull();
  expect(withoutRefused(NVIDIA_COLUMNS, refusal("uuid"))).toBeNull();
  expect(withoutRefused(NVIDIA_COLUMNS, "0, GPU-a")).toBeNull();
});

describe("the health of a device that answers", () => {
  const healthWith = (cells: Partial<Record<NvidiaColumn, string>>) => {
    const columns = [...BASIC, ...(Object.keys(cells) as NvidiaColumn[])];
    const line = ["0", "GPU-a", "H100", "1", "1", "0", ...Object.values(cells)].join(", ");
    return parseNvidiaRow(line, columns)?.gpu.health;
  };

  test.each([
    [{ gpu_recovery_action: "None" }, "healthy"],
    [{ gpu_recovery_action: "[N/A]" }, "healthy"],
    [{ gpu_recovery_action: "Reset" }, "unhealthy"],
    [{ gpu_recovery_action: "Drain and Reset" }, "unhealthy"],
    [{ "remapped_rows.failure": "Yes" }, "unhealthy"],
    [{ "remapped_rows.failure": "0" }, "healthy"],
    [{ "remapped_rows.pending": "1" }, "degraded"],
    [{ "retired_pages.pending": "Yes" }, "degraded"],
    [{ "retired_pages.pending": "No" }, "healthy"],
    [{ "ecc.errors.uncorrected.volatile.total": "3" }, "degraded"],
    [{ "ecc.errors.uncorrected.volatile.total": "0" }, "healthy"],
  ] as const)("with %o is %s", (cells, state) => {
    expect(healthWith(cells)).toMatchObject({ state });
  });

  test("is told without counts, which would be news each time they grow", () => {
    const cells = (count: string) => ({ "ecc.errors.uncorrected.volatile.total": count });
    expect(healthWith(cells("3"))).toEqual(healthWith(cells("4")));
  });
});
