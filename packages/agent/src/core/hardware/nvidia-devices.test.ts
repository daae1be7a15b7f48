import type { Gpu } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { fixture } from "../../../test/support/fixture.ts";
import { connected, nvidiaDevices, type NvidiaSight } from "./nvidia-devices.ts";
import { parseDriverFile } from "./nvidia-driver-file.ts";
import { parseNvidiaRows } from "./nvidia-query.ts";
import { parseNvidiaTopology } from "./nvidia-topology.ts";

const COLUMNS = ["index", "uuid", "name", "pci.bus_id"] as const;
const rowsOf = (...lines: string[]) => parseNvidiaRows(lines.join("\n"), COLUMNS);
const A = "0, GPU-a, H100, 00000000:3B:00.0";
const B = "1, GPU-b, H100, 00000000:4E:00.0";
const fileOf = (uuid: string | null) => ({ uuid, model: "NVIDIA H100" });
const files = new Map([
  ["0000:3b:00.0", fileOf("GPU-a")],
  ["0000:4e:00.0", fileOf("GPU-b")],
]);

function sight(change: Partial<NvidiaSight> = {}): NvidiaSight {
  const rows = rowsOf(A, B);
  const gpus = rows.map(({ gpu }) => gpu);
  const known = connected(rows, gpus, { links: new Map(), nearRdma: new Map() });
  return { known, rows, files, errors: [], ...change };
}

const healthOf = (gpus: readonly Gpu[]) =>
  gpus.map(({ uuid, health }) => [uuid, health?.state, health?.reason]);
const FINE = ["GPU-a", "healthy", null];

describe("the health of devices", () => {
  test("is what the driver says of those that answer", () => {
    expect(healthOf(nvidiaDevices(sight()))).toEqual([FINE, ["GPU-b", "healthy", null]]);
  });

  test("is bad for one that no longer answers: it stays in the list", () => {
    expect(healthOf(nvidiaDevices(sight({ rows: rowsOf(A) })))).toEqual([
      FINE,
      ["GPU-b", "unhealthy", "nvidia-smi gets no answer from it"],
    ]);
  });

  test("is bad for one that the driver no longer has", () => {
    const left = new Map([...files].slice(0, 1));
    expect(healthOf(nvidiaDevices(sight({ rows: rowsOf(A), files: left })))).toEqual([
      FINE,
      ["GPU-b", "unhealthy", "it is gone from the bus"],
    ]);
  });

  test("is bad for one that never answered, under the uuid or the address the driver has", () => {
    const more = new Map([
      ...files,
      ["0000:5f:00.0", fileOf(null)],
      ["0000:86:00.0", fileOf("GPU-c")],
    ]);
    expect(healthOf(nvidiaDevices(sight({ files: more })))).toEqual([
      FINE,
      ["GPU-b", "healthy", null],
      ["GPU-c", "unhealthy", "nvidia-smi gets no answer from it"],
      ["PCI-0000:5f:00.0", "unhealthy", "nvidia-smi gets no answer from it"],
    ]);
  });

  test("is bad for one with a hardware error in the kernel's log, and tells the newest", () => {
    const errors = [48, 79].map((code) => ({ pciAddress: "0000:3b:00.0", code }));
    expect(healthOf(nvidiaDevices(sight({ errors })))[0]).toEqual([
      "GPU-a",
      "unhealthy",
      "Xid 79: it has fallen off the bus",
    ]);
  });
});

test("links are told in the order of the list, also when a device is lost", () => {
  const lines = ["0, GPU-z", "1, GPU-y", "2, GPU-x", "3, GPU-w"];
  const rows = parseNvidiaRows(lines.map((line) => `${line}, H100, 0`).join("\n"), COLUMNS);
  const topology = parseNvidiaTopology(fixture("nvidia/four-gpus-topo.txt"));
  const known = connected(
    rows,
    rows.map(({ gpu }) => gpu),
    topology,
  );
  const left = rows.filter(({ gpu }) => gpu.uuid !== "GPU-x");
  const gpus = nvidiaDevices({ known, rows: left, files: new Map(), errors: [] });
  expect(gpus.map(({ uuid, links, nearRdma }) => ({ uuid, links, nearRdma }))).toEqual([
    { uuid: "GPU-w", links: [null, "NV12", "SYS", "SYS"], nearRdma: undefined },
    { uuid: "GPU-x", links: ["NV12", null, "SYS", "SYS"], nearRdma: ["mlx5_1"] },
    { uuid: "GPU-y", links: ["SYS", "SYS", null, "NV12"], nearRdma: ["mlx5_0"] },
    { uuid: "GPU-z", links: ["SYS", "SYS", "NV12", null], nearRdma: ["mlx5_0"] },
  ]);
});

test("the driver's file names a device, unless it cannot read it", () => {
  expect(parseDriverFile(fixture("nvidia/a10g-information.txt"))).toEqual({
    uuid: "GPU-82523fd8-3897-f599-d088-ccd04ae45ec1",
    model: "NVIDIA A10G",
  });
  const unread = "Model: \t\t Unknown\nGPU UUID: \t GPU-????????-????-????-????-????????????\n";
  expect(parseDriverFile(unread)).toEqual({ uuid: null, model: null });
  expect(parseDriverFile("")).toEqual({ uuid: null, model: null });
});
