import type { Project, ProjectName } from "@berth/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FairQueue, type ProjectItem } from "./fair-queue.ts";
import { ProjectTree, UNSAID } from "./project-tree.ts";
import { noUse, type QuotaUse } from "../state/quota-use.ts";

const CAPACITY: QuotaUse = { cpuMillis: 100_000, memoryMiB: 100_000, gpuMillis: 100_000 };

interface Settings {
  readonly parent?: string;
  readonly weight?: number;
  readonly guaranteed?: Partial<QuotaUse>;
}

function settingsOf(projects: Record<string, Settings>): Project[] {
  return Object.entries(projects).map(([name, { parent = null, weight = 1, guaranteed = {} }]) => ({
    name: name as ProjectName,
    parent: parent as ProjectName | null,
    weight,
    guaranteed: { ...UNSAID, ...guaranteed },
    limit: UNSAID,
    mayBorrow: true,
  }));
}

function waiting(
  project: string,
  count: number,
  use: Partial<QuotaUse>,
  more: Partial<ProjectItem> = {},
) {
  return Array.from({ length: count }, (_, number) => ({
    project: project as ProjectName,
    priority: 50,
    number,
    use: { ...noUse(), ...use },
    ...more,
  }));
}

/** Grants every turn until the cluster is full; those who do not fit any more are blocked. */
function grantAll(items: readonly ProjectItem[], tree: ProjectTree, capacity = CAPACITY): string[] {
  const queue = new FairQueue(items, tree, capacity);
  const turns: string[] = [];
  for (let item = queue.next(); item; item = queue.next()) {
    const { used } = tree.root;
    const fits =
      used.cpuMillis + item.use.cpuMillis <= capacity.cpuMillis &&
      used.memoryMiB + item.use.memoryMiB <= capacity.memoryMiB &&
      used.gpuMillis + item.use.gpuMillis <= capacity.gpuMillis;
    if (!fits) {
      queue.markBlocked();
      continue;
    }
    tree.take(item.project, item.use);
    turns.push(item.project);
  }
  return turns;
}

function countOf(turns: readonly string[], project: string): number {
  return turns.filter((turn) => turn === project).length;
}

describe("the order of what waits", () => {
  test("is priority before anything else, then age within a project", () => {
    const tree = new ProjectTree([], [["a" as ProjectName, { ...noUse(), cpuMillis: 50_000 }]]);
    const items = [
      ...waiting("b", 2, { cpuMillis: 1 }, { priority: 20 }),
      ...waiting("a", 3, { cpuMillis: 1 }, { priority: 80 }),
    ].reverse();
    const queue = new FairQueue(items, tree, CAPACITY);
    const order = Array.from({ length: 6 }, () => queue.next());
    expect(order.map((item) => item && `${item.project}${item.number}`)).toEqual([
      "a0",
      "a1",
      "a2",
      "b0",
      "b1",
      null,
    ]);
  });

  test("lets projects take turns by their weights, whatever one of them has waiting", () => {
    const tree = new ProjectTree(settingsOf({ a: { weight: 3 }, b: {} }), []);
    const turns = grantAll(
      [...waiting("a", 500, { cpuMillis: 1_000 }), ...waiting("b", 500, { cpuMillis: 1_000 })],
      tree,
    );
    expect(turns).toHaveLength(100);
    expect(countOf(turns, "a")).toBe(75);
    expect(countOf(turns.slice(0, 40), "b")).toBe(10);
  });

  test("equalises dominant shares: the example of Ghodsi et al., figure 3", () => {
    const capacity = { cpuMillis: 9_000, memoryMiB: 18, gpuMillis: 0 };
    const turns = grantAll(
      [
        ...waiting("a", 9, { cpuMillis: 1_000, memoryMiB: 4 }),
        ...waiting("b", 9, { cpuMillis: 3_000, memoryMiB: 1 }),
      ],
      new ProjectTree([], []),
      capacity,
    );
    expect([countOf(turns, "a"), countOf(turns, "b")]).toEqual([3, 2]);
  });

  test("what is within a guarantee goes before what borrows", () => {
    const used = { ...noUse(), cpuMillis: 30_000 };
    const tree = new ProjectTree(settingsOf({ a: { guaranteed: { cpuMillis: 32_000 } } }), [
      ["a" as ProjectName, used],
    ]);
    const queue = new FairQueue(
      [...waiting("b", 1, { cpuMillis: 1_000 }), ...waiting("a", 3, { cpuMillis: 1_000 })],
      tree,
      CAPACITY,
    );
    const order: string[] = [];
    for (let item = queue.next(); item; item = queue.next()) {
      tree.take(item.project, item.use);
      order.push(item.project);
    }
    expect(order).toEqual(["a", "a", "b", "a"]);
  });

  test("a guarantee that siblings share covers them only until one has used it up", () => {
    const tree = new ProjectTree(
      settingsOf({
        org: { guaranteed: { cpuMillis: 2_000 } },
        a: { parent: "org" },
        b: { parent: "org" },
      }),
      [],
    );
    const queue = new FairQueue(
      [
        ...waiting("a", 1, { cpuMillis: 2_000 }),
        ...waiting("b", 1, { cpuMillis: 2_000 }, { number: 1 }),
        ...waiting("c", 1, { cpuMillis: 1_000 }, { number: 2 }),
      ],
      tree,
      CAPACITY,
    );
    const order: string[] = [];
    for (let item = queue.next(); item; item = queue.next()) {
      tree.take(item.project, item.use);
      order.push(item.project);
    }
    expect(order).toEqual(["a", "c", "b"]);
  });
});

describe("shares of a tree of projects", () => {
  test("weights count among siblings: a part of a part", () => {
    const tree = new ProjectTree(
      settingsOf({
        science: { weight: 2 },
        physics: { parent: "science", weight: 3 },
        biology: { parent: "science" },
        sales: {},
      }),
      [],
    );
    const each = { cpuMillis: 100 };
    const turns = grantAll(
      ["physics", "biology", "sales"].flatMap((name) => waiting(name, 1_200, each)),
      tree,
    );
    const parts = ["physics", "biology", "sales"].map((name) => countOf(turns, name));
    expect(parts.map((part) => Math.round(part / 10))).toEqual([50, 17, 33]);
  });

  test("who holds all of one resource does not keep its siblings from another", () => {
    // The starvation of naive hierarchical fairness (Bhattacharya et al., §4).
    const tree = new ProjectTree(
      settingsOf({ lab: {}, gpus: { parent: "lab" }, cores: { parent: "lab" }, other: {} }),
      [["gpus" as ProjectName, { ...noUse(), gpuMillis: 100_000 }]],
    );
    const turns = grantAll(
      [
        ...waiting("gpus", 10, { gpuMillis: 1_000 }),
        ...waiting("cores", 200, { cpuMillis: 1_000 }),
        ...waiting("other", 200, { cpuMillis: 1_000 }),
      ],
      tree,
    );
    expect(countOf(turns, "cores")).toBeGreaterThanOrEqual(45);
    expect(countOf(turns, "other")).toBeGreaterThanOrEqual(45);
  });

  test("what nobody wants more of counts in full", () => {
    const tree = new ProjectTree(
      settingsOf({ lab: {}, idle: { parent: "lab" }, busy: { parent: "lab" }, other: {} }),
      [["idle" as ProjectName, { ...noUse(), cpuMillis: 40_000 }]],
    );
    const turns = grantAll(
      [
        ...waiting("busy", 100, { cpuMillis: 1_000 }),
        ...waiting("other", 100, { cpuMillis: 1_000 }),
      ],
      tree,
    );
    expect([countOf(turns, "busy"), countOf(turns, "other")]).toEqual([10, 50]);
  });

  test("a project with subprojects may have work of its own, which counts as one of them", () => {
    const tree = new ProjectTree(settingsOf({ lab: {}, sub: { parent: "lab" } }), []);
    const turns = grantAll(
      [...waiting("lab", 200, { cpuMillis: 1_000 }), ...waiting("sub", 200, { cpuMillis: 1_000 })],
      tree,
    );
    expect([countOf(turns, "lab"), countOf(turns, "sub")]).toEqual([50, 50]);
  });
});

describe("a queue, whatever waits in it", () => {
  const names = ["a", "b", "c", "d", "e"] as const;
  const world = fc.record({
    parents: fc.array(fc.option(fc.nat(3), { nil: null }), { minLength: 5, maxLength: 5 }),
    weights: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 5, maxLength: 5 }),
    items: fc.array(
      fc.record({
        project: fc.constantFrom(...names).map((name) => name as string as ProjectName),
        priority: fc.constantFrom(10, 50),
        use: fc.record({
          cpuMillis: fc.integer({ min: 1, max: 20_000 }),
          memoryMiB: fc.integer({ min: 0, max: 20_000 }),
          gpuMillis: fc.integer({ min: 0, max: 20_000 }),
        }),
      }),
      { maxLength: 40 },
    ),
  });
  const treeOf = ({ parents, weights }: { parents: (number | null)[]; weights: number[] }) =>
    new ProjectTree(
      settingsOf(
        Object.fromEntries(
          names.map((name, at) => {
            const above = parents[at] ?? null;
            const parent = above !== null && above < at ? names[above] : undefined;
            const weight = weights[at] ?? 1;
            return [name, parent === undefined ? { weight } : { parent, weight }];
          }),
        ),
      ),
      [],
    );

  test("gives everyone a turn, once, urgent ones first and each project's in order of age", () => {
    fc.assert(
      fc.property(world, ({ parents, weights, items }) => {
        const tree = treeOf({ parents, weights });
        const numbered = items.map((item, number) => ({ ...item, number }));
        const queue = new FairQueue(numbered, tree, CAPACITY);
        const seen: ProjectItem[] = [];
        for (let item = queue.next(); item; item = queue.next()) {
          if (item.number % 3 === 0) queue.markBlocked();
          else tree.take(item.project, item.use);
          seen.push(item);
        }
        expect(seen.map(({ number }) => number).toSorted((x, y) => x - y)).toEqual(
          numbered.map(({ number }) => number),
        );
        for (const [at, item] of seen.entries()) {
          const before = seen.slice(0, at);
          expect(before.every((other) => other.priority >= item.priority)).toBe(true);
          const older = before.filter(
            (other) => other.project === item.project && other.priority === item.priority,
          );
          expect(older.every((other) => other.number < item.number)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("among siblings at the top always the smallest weighted share goes next", () => {
    fc.assert(
      fc.property(world, ({ weights, items }) => {
        const tree = treeOf({ parents: [], weights });
        const numbered = items.map((item, number) => ({ ...item, number, priority: 50 }));
        const queue = new FairQueue(numbered, tree, CAPACITY);
        const left = new Map<string, number>();
        for (const { project } of numbered) left.set(project, (left.get(project) ?? 0) + 1);
        const share = (name: ProjectName) => {
          const { used, weight } = tree.node(name);
          return Math.max(used.cpuMillis, used.memoryMiB, used.gpuMillis) / weight;
        };
        for (let item = queue.next(); item; item = queue.next()) {
          for (const [name, count] of left) {
            if (count === 0) continue;
            expect(share(item.project)).toBeLessThanOrEqual(share(name as ProjectName) + 1e-9);
          }
          left.set(item.project, (left.get(item.project) ?? 0) - 1);
          tree.take(item.project, item.use);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("an item given back keeps its place within its project", () => {
    const tree = new ProjectTree([], []);
    const items = [...waiting("a", 2, { cpuMillis: 10 }), ...waiting("b", 1, { cpuMillis: 10 })];
    const queue = new FairQueue(items, tree, CAPACITY);
    const turns: string[] = [];
    for (let item = queue.next(); item; item = queue.next()) {
      turns.push(`${item.project}${item.number} ${queue.isContended ? "contended" : "alone"}`);
      tree.take(item.project, item.use);
      if (item.project === "a" && item.number === 0 && turns.length < 4) queue.giveBack();
    }
    expect(turns).toEqual(["a0 contended", "b0 contended", "a0 alone", "a0 alone", "a1 alone"]);
  });
});
