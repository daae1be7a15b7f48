import type { Grant, WorkloadId } from "@berth/protocol";
import { expect, test } from "vitest";
import { Ledger } from "../place/ledger.ts";
import { TestCluster } from "../testing/test-cluster.ts";
import { T0_UNIX_MS } from "../testing/builders.ts";
import { type Hold, Holds } from "./holds.ts";

const PORT = 20_004;
const granted: Grant = {
  cpuMillis: 1_000,
  memoryMiB: 1,
  diskMiB: 0,
  networkMbps: 0,
  gpuUuids: [],
  ports: { http: PORT },
};

test("a port that is kept twice is given back by neither while somebody has it", () => {
  const [node] = new TestCluster().join(1).state.nodes.values();
  if (!node) throw new Error("a node joined");
  const ledger = new Ledger();
  const holds = new Holds(ledger, T0_UNIX_MS);
  const hold = (name: string): Hold => ({
    holder: { kind: "workload", id: `default/${name}` as WorkloadId, priority: 50 },
    startUnixMs: null,
    parts: [{ node, grants: [granted] }],
  });
  const [first, second] = [hold("first"), hold("second")];
  holds.add(first);
  holds.add(second);
  expect(ledger.usageOf(node).granted.cpuMillis).toBe(2_000);
  // The port becomes somebody's while nothing is kept from them.
  holds.lifted(() => ledger.take(node, granted));
  holds.remove(first);
  holds.remove(second);
  expect(ledger.usageOf(node)).toMatchObject({ granted: { cpuMillis: 1_000 } });
  expect([...ledger.usageOf(node).ports]).toEqual([PORT]);
});
