import { expect, test } from "vitest";
import { fixture } from "../../../test/support/fixture.ts";
import { parseNvidiaTopology } from "./nvidia-topology.ts";

test("the matrix tells links between devices and the adapters nearby, under their own names", () => {
  const { links, nearRdma } = parseNvidiaTopology(fixture("nvidia/four-gpus-topo.txt"));
  expect(links.get(0)).toEqual(
    new Map([
      [1, "NV12"],
      [2, "SYS"],
      [3, "SYS"],
    ]),
  );
  expect(links.get(3)?.get(2)).toBe("NV12");
  expect([...nearRdma]).toEqual([
    [0, ["mlx5_0"]],
    [1, ["mlx5_0"]],
    [2, ["mlx5_1"]],
    [3, []],
  ]);
});

test("old drivers head columns with the adapters' names", () => {
  const { links, nearRdma } = parseNvidiaTopology(fixture("nvidia/two-gpus-topo-old.txt"));
  expect(links.get(1)).toEqual(new Map([[0, "PIX"]]));
  expect(nearRdma.get(0)).toEqual(["mlx5_0"]);
  expect(nearRdma.get(1)).toEqual([]);
});

test("no answer is no links", () => {
  expect(parseNvidiaTopology("")).toEqual({ links: new Map(), nearRdma: new Map() });
});
