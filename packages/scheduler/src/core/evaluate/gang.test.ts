import type { ClusterEvent, WorkloadSpec } from "@berth/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { placementRequest } from "../place/placement-request.ts";
import { tryFits } from "../room/fits.ts";
import { batchSpec, gpu, nodeDescription, serviceSpec } from "../testing/builders.ts";
import { checkInvariants } from "../testing/check-invariants.ts";
import { project, QueueCluster } from "../testing/queue-cluster.ts";
import { evaluate } from "./evaluate.ts";

const whole = { gang: { within: null } } as const;
const inOneRack = { gang: { within: "node.labels.rack" } } as const;

/** A gang of so many, each of so many of a node's four cores. */
function gang(name: string, count: number, cores: number, more: object = {}): WorkloadSpec {
  return batchSpec({
    name,
    count,
    placement: whole,
    resources: { cpuMillis: 1_000 * cores },
    ...more,
  });
}

/** Nodes of four cores each; the rack of each by its position in the word. */
function racks(word: string): QueueCluster {
  const letters = word.split("");
  return new QueueCluster().join(letters.length, (n) =>
    nodeDescription(n, { labels: letters[n] === "-" ? {} : { rack: letters[n] ?? "" } }),
  );
}

function whyWaits(cluster: QueueCluster, name: string) {
  const { pending } = cluster.workload(name);
  expect(pending).toHaveLength(1);
  return pending[0]?.explanation;
}

function racksOf(cluster: QueueCluster, name: string): (string | undefined)[] {
  return cluster
    .live(name)
    .map(({ nodeId }) => cluster.state.nodes.get(nodeId)?.description.labels["rack"]);
}

describe("a gang is placed", () => {
  test("[INV7] whole, or waits whole with what it lacks", () => {
    const cluster = new QueueCluster().join(2);
    cluster.apply(gang("large", 3, 3));
    expect(cluster.count("large")).toBe(0);
    expect(whyWaits(cluster, "large")).toMatchObject({
      reason: "gang",
      size: 3,
      placeable: 2,
      within: null,
      noFit: { nodesTotal: 2, rejections: [{ code: "cpu.free", nodes: 2 }] },
    });
    cluster.join(1).settle();
    expect(cluster.count("large")).toBe(3);
    checkInvariants(cluster.state);
  });

  test("[INV7] in one whole of the pass, however long the pass is already", () => {
    const cluster = new QueueCluster().join(40);
    cluster.submit([
      serviceSpec({ name: "many", count: 1_000, priority: 90, resources: { cpuMillis: 1 } }),
      gang("large", 40, 3),
    ]);
    const { events, wholes } = evaluate(cluster.state, cluster.nowUnixMs);
    const isMember = (event: ClusterEvent) =>
      event.type === "AllocationPlaced" && event.workloadId === "default/large";
    for (const { from, count } of wholes) {
      expect(count).toBe(40);
      expect(events.slice(from, from + count).every(isMember)).toBe(true);
    }
    cluster.append(events);
    cluster.settle();
    expect(cluster.count("large")).toBe(40);
  });

  test("without the room that a trial in vain took", () => {
    const cluster = new QueueCluster().join(2);
    cluster.submit([
      gang("large", 3, 3),
      batchSpec({ name: "small", resources: { cpuMillis: 4_000 } }),
    ]);
    cluster.settle();
    expect([cluster.count("large"), cluster.count("small")]).toEqual([0, 1]);
  });

  test("beside smaller ones that ask for the same and fit", () => {
    const cluster = new QueueCluster().join(2);
    cluster.submit([gang("large", 3, 3, { priority: 60 }), gang("pair", 2, 3)]);
    cluster.settle();
    expect([cluster.count("large"), cluster.count("pair")]).toEqual([0, 2]);
  });

  test("only as far as the project's limit allows all of it", () => {
    const limited = new QueueCluster().join(4);
    limited.configure(project("default", { limit: { cpuMillis: 5_000 } }));
    limited.apply(gang("large", 3, 2));
    expect(limited.reasons("large")).toEqual(["quota"]);
    expect(limited.count("large")).toBe(0);
  });

  test("with the names of the chosen nodes alone where all would be too long for an entry", () => {
    const cluster = new QueueCluster().join(100);
    cluster.apply(gang("large", 100, 3));
    const [first] = cluster.live("large");
    expect(cluster.count("large")).toBe(100);
    const why = first && cluster.state.explanations.get(first.id);
    expect(why?.candidates).toHaveLength(1);
  });
});

describe("a gang within one value of an attribute", () => {
  test("[INV7] takes the domain that has least room beyond it", () => {
    const cluster = racks("aaabbcccc");
    cluster.apply(gang("pair", 2, 3, { placement: inOneRack }));
    expect(racksOf(cluster, "pair")).toEqual(["b", "b"]);
    cluster.apply(gang("three", 3, 3, { placement: inOneRack }));
    expect(racksOf(cluster, "three")).toEqual(["a", "a", "a"]);
  });

  test("[INV7] waits while no domain has room for all of it, with that which has most", () => {
    const cluster = racks("aabb-");
    cluster.apply(gang("three", 3, 3, { placement: inOneRack }));
    expect(whyWaits(cluster, "three")).toMatchObject({
      reason: "gang",
      size: 3,
      placeable: 2,
      within: "node.labels.rack",
      noFit: {
        rejections: [
          { code: "constraint", nodes: 3, subject: "node.labels.rack == a" },
          { code: "cpu.free", nodes: 2 },
        ],
      },
    });
  });

  test("says so when no node has the attribute", () => {
    const cluster = racks("--");
    cluster.apply(gang("pair", 2, 1, { placement: inOneRack }));
    expect(whyWaits(cluster, "pair")).toMatchObject({
      placeable: 0,
      noFit: { rejections: [{ code: "constraint", nodes: 2, subject: "exists node.labels.rack" }] },
    });
  });

  test("tries the next domain where rules of its own keep it from filling the first", () => {
    const cluster = racks("abb");
    const distinct = [{ by: "node.name", max: 1 }];
    cluster.apply(gang("pair", 2, 1, { placement: { ...inOneRack, distinct } }));
    expect(racksOf(cluster, "pair")).toEqual(["b", "b"]);
  });
});

describe("a gang of which one ends", () => {
  function started(more: object = {}, count = 3): QueueCluster {
    const cluster = new QueueCluster().join(3);
    cluster.apply(gang("job", count, 3, { restart: RESTART, ...more }));
    cluster.startAll().settle();
    return cluster;
  }

  test("[INV7] stops the others, and starts again with all of them", () => {
    const cluster = started();
    const [first, second] = cluster.live("job");
    if (!first || !second) throw new Error("nothing lives");
    cluster.end(first, "failed").settle();
    expect(cluster.state.allocations.get(second.id)).toMatchObject({
      status: "stopping",
      stopReason: "gang",
    });
    expect(cluster.reasons("job")).toContain("predecessor");
    cluster.endStopping().settle();
    expect(cluster.count("job")).toBe(0);
    expect(cluster.reasons("job")).toEqual(["backoff"]);
    cluster.nowUnixMs += 1_000;
    cluster.settle();
    expect(cluster.live("job").map(({ attempt }) => attempt)).toEqual([2, 2, 2]);
  });

  test("does so at once when one is lost with its node", () => {
    const cluster = started();
    const [first] = cluster.live("job");
    if (!first) throw new Error("nothing lives");
    cluster.end(first, "lost").converge();
    expect(cluster.live("job").map(({ attempt }) => attempt)).toEqual([2, 2, 2]);
  });

  test("leaves what has completed alone", () => {
    const cluster = started();
    const [first, second] = cluster.live("job");
    if (!first || !second) throw new Error("nothing lives");
    cluster.end(first, "complete").settle();
    expect(cluster.count("job")).toBe(2);
    cluster.end(second, "failed").settle();
    cluster.endStopping().settle();
    cluster.nowUnixMs += 1_000;
    cluster.settle();
    expect(cluster.live("job").map(({ index, attempt }) => [index, attempt])).toEqual([
      [1, 2],
      [2, 2],
    ]);
  });

  test("is given up as a whole when one of it is given up", () => {
    const cluster = started({ restart: { ...RESTART, attempts: 0 } });
    const [first] = cluster.live("job");
    if (!first) throw new Error("nothing lives");
    cluster.end(first, "failed").converge();
    expect(cluster.workload("job").counts).toMatchObject({ failed: 3, running: 0 });
    expect(cluster.workload("job").pending).toEqual([]);
    checkInvariants(cluster.state);
  });

  test("gives up those that wait to start again, too", () => {
    const cluster = started({ restart: { ...RESTART, attempts: 1 } });
    for (const times of [1, 2]) {
      const [, second] = cluster.live("job");
      if (!second) throw new Error(`nothing lives ${times}`);
      cluster.end(second, "failed").settle();
      cluster.endStopping().settle();
      cluster.nowUnixMs += 10_000;
      cluster.settle();
      cluster.startAll().settle();
    }
    expect(cluster.workload("job").counts).toMatchObject({ failed: 3, running: 0 });
    cluster.apply(gang("job", 4, 3, { restart: { ...RESTART, attempts: 1 } }));
    expect(cluster.workload("job").counts.failed).toBe(4);
    checkInvariants(cluster.state);
  });

  test("is replaced as a whole by a new version, and leaves a draining node as a whole", () => {
    const cluster = started({}, 2);
    cluster.apply(gang("job", 2, 2, { restart: RESTART }));
    expect(cluster.live("job").map(({ status }) => status)).toEqual(["stopping", "stopping"]);
    cluster.converge();
    expect(cluster.live("job").map(({ status }) => status)).toEqual(["running", "running"]);
    const [first] = cluster.live("job");
    const node = first && cluster.state.nodes.get(first.nodeId);
    if (!node) throw new Error("nothing lives");
    const { name } = node.description;
    cluster.command("node.drain", {
      node: name,
      deadlineMs: null,
      ignoreSystem: false,
      reason: null,
    });
    cluster.converge();
    expect(cluster.count("job")).toBe(2);
    expect(node.live.size).toBe(0);
  });
});

const RESTART = {
  attempts: 3,
  withinMs: 600_000,
  backoffMinMs: 1_000,
  backoffMaxMs: 1_000,
  exhausted: "fail",
} as const;

test("[INV7] a gang waits exactly when no domain has room for all of it", () => {
  const cases = fc.record({
    word: fc.string({ unit: fc.constantFrom("a", "b", "c", "-"), minLength: 1, maxLength: 8 }),
    busy: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 8 }),
    size: fc.integer({ min: 1, max: 10 }),
    cores: fc.integer({ min: 1, max: 4 }),
    gpus: fc.integer({ min: 0, max: 2 }),
    isWithin: fc.boolean(),
  });
  fc.assert(
    fc.property(cases, ({ word, busy, size, cores, gpus, isWithin }) => {
      const letters = word.split("");
      const cluster = new QueueCluster().join(letters.length, (n) =>
        nodeDescription(n, {
          labels: letters[n] === "-" ? {} : { rack: letters[n] ?? "" },
          gpus: [gpu(2 * n), gpu(2 * n + 1)],
        }),
      );
      for (const [at, used] of busy.entries()) {
        cluster.apply(batchSpec({ name: `b${at}`, resources: { cpuMillis: 1_000 * used } }));
      }
      const resources = {
        cpuMillis: 1_000 * cores,
        gpu: gpus === 0 ? null : { count: gpus, models: [], memoryMiB: 0 },
      };
      const placement = isWithin ? inOneRack : whole;
      const spec = batchSpec({ name: "gang", count: size, placement, resources });
      const room = new Map<string, number>();
      for (const { description, ...node } of cluster.state.nodes.values()) {
        const domain = isWithin ? description.labels["rack"] : "";
        if (domain === undefined) continue;
        const fits = tryFits(placementRequest(spec), { description, ...node }, node.usage);
        room.set(domain, (room.get(domain) ?? 0) + fits);
      }
      const most = Math.max(0, ...room.values());
      cluster.apply(spec);
      expect(cluster.count("gang")).toBe(most >= size ? size : 0);
      if (most < size) expect(whyWaits(cluster, "gang")).toMatchObject({ size, placeable: most });
      if (isWithin) expect(new Set(racksOf(cluster, "gang")).size).toBeLessThanOrEqual(1);
      checkInvariants(cluster.state);
    }),
    { numRuns: 200 },
  );
});
