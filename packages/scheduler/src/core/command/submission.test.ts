import type { ApiReply, SpecProblem, SpecWarning } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { nodeDescription } from "../testing/builders.ts";
import { TestCluster } from "../testing/test-cluster.ts";

const task = { command: ["run"] };
const service = (name: string, more: object = {}) => ({ kind: "service", name, task, ...more });

/** Two nodes of 4 cores and 8 GiB, in racks a and b. */
function cluster(): TestCluster {
  return new TestCluster().join(2, (n) =>
    nodeDescription(n, {
      capacity: { cpuMillis: 4_000, memoryMiB: 8_192, diskMiB: 0, networkMbps: null },
      labels: { rack: n === 0 ? "a" : "b" },
    }),
  );
}

function submit(to: TestCluster, ...workloads: object[]) {
  return to.command("workload.apply", { workloads: workloads as never });
}

function warnings(to: TestCluster, ...workloads: object[]): SpecWarning[] {
  const result = submit(to, ...workloads);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  const { results } = result.reply(to.state.seq) as ApiReply<"workload.apply">;
  return results.flatMap((one) => one.warnings);
}

function problems(to: TestCluster, ...workloads: object[]): SpecProblem[] {
  const result = submit(to, ...workloads);
  return result.ok ? [] : (result.error.problems ?? []);
}

describe("accepted, with a warning", () => {
  test("is what no node could hold even if it were empty, with the largest that would fit", () => {
    const large = service("large", { resources: { cpu: 64, memory: "1GiB" } });
    expect(warnings(cluster(), large)).toEqual([
      {
        path: ["resources", "cpu"],
        message: expect.stringContaining("fits none of 2 nodes"),
        suggestion: expect.stringMatching(/^would fit on \S+ with 4 cpu instead of 64 cpu$/),
      },
    ]);
  });

  test("is not what only waits for room, or for a node that is away", () => {
    const busy = cluster();
    submit(busy, service("first", { count: 2, resources: { cpu: 4 } }));
    busy.converge();
    expect(warnings(busy, service("second", { resources: { cpu: 4 } }))).toEqual([]);
    for (const node of busy.state.nodes.values()) {
      busy.command("node.drain", {
        node: node.id,
        deadlineMs: null,
        ignoreSystem: false,
        reason: null,
      });
    }
    expect(warnings(busy, service("third", { resources: { cpu: 4 } }))).toEqual([]);
  });

  test("is a label that no node has, with the one that was probably meant", () => {
    const typo = service("typo", {
      affinities: [{ expression: "node.labels.rak == a", weight: 10 }],
      spread: { by: "rack" },
    });
    expect(warnings(cluster(), typo)).toEqual([
      {
        path: ["affinities", 0, "expression"],
        message: "no node has node.labels.rak",
        suggestion: "did you mean 'node.labels.rack'?",
      },
    ]);
  });

  test("is a constraint that no node meets", () => {
    const nowhere = service("nowhere", {
      constraints: ["exists node.name", "node.labels.rack == c"],
    });
    expect(warnings(cluster(), nowhere)).toMatchObject([{ path: ["constraints", 1] }]);
  });

  test("is a companion that does not exist, unless it is submitted with it", () => {
    const web = service("web", { colocate: { workload: "cach" } });
    const cached = cluster();
    submit(cached, service("cache"));
    expect(warnings(cached, web)).toMatchObject([
      { path: ["colocate", 0, "workload"], suggestion: "did you mean 'default/cache'?" },
    ]);
    expect(warnings(cluster(), web, service("cach"))).toEqual([]);
  });

  test("is nothing in a cluster that has no nodes yet", () => {
    expect(warnings(new TestCluster(), service("web", { resources: { cpu: 64 } }))).toEqual([]);
  });

  test("keeps within what an answer may hold", () => {
    const constraints = Array.from(
      { length: 32 },
      (_, n) => `exists node.labels.${"x".repeat(400)}${n}`,
    );
    const many = Array.from({ length: 3 }, (_, n) => service(`many${n}`, { constraints }));
    const told = JSON.stringify(warnings(cluster(), ...many)).length;
    expect(told).toBeGreaterThan(1_000);
    expect(told).toBeLessThan(20_000);
  });
});

describe("refused", () => {
  test("are constraints that contradict each other, or the pool", () => {
    const both = service("both", {
      constraints: ["node.labels.rack == a", "node.labels.rack == b"],
    });
    const pooled = service("pooled", { pool: "gpu", constraints: ["node.pool != gpu"] });
    expect(problems(cluster(), both, pooled)).toMatchObject([
      { document: 0, path: ["constraints", 1], message: expect.stringContaining("labels.rack") },
      { document: 1, path: ["constraints", 0], message: expect.stringContaining("node.pool") },
    ]);
  });

  test("are workloads that wait for each other to be placed, the circle named", () => {
    const known = cluster();
    submit(known, service("b", { colocate: { workload: "c" } }));
    submit(known, service("c"));
    expect(problems(known, service("a", { colocate: { workload: "b" } }))).toEqual([]);
    expect(problems(known, service("c", { colocate: { workload: "b" } }))).toMatchObject([
      {
        path: ["colocate", 0, "workload"],
        message:
          "default/c goes with default/b goes with default/c: none of them could be the first",
      },
    ]);
    expect(problems(known, service("me", { colocate: { workload: "me" } }))).toHaveLength(1);
  });
});
