import { type Project, type ProjectName, quotaDimensions } from "@berth/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProjectTree, UNSAID } from "./project-tree.ts";
import { hopelessLack, isCovered, mayReclaim, quotaLack, quotaRoom } from "./quota.ts";
import { noUse, type QuotaUse, quotaUseOf } from "../state/quota-use.ts";
import { batchSpec } from "../testing/builders.ts";

function project(
  name: string,
  more: {
    parent?: string;
    guaranteed?: Partial<QuotaUse>;
    limit?: Partial<QuotaUse>;
    mayBorrow?: boolean;
  } = {},
): Project {
  return {
    name: name as ProjectName,
    parent: (more.parent ?? null) as ProjectName | null,
    weight: 1,
    guaranteed: { ...UNSAID, ...more.guaranteed },
    limit: { ...UNSAID, ...more.limit },
    mayBorrow: more.mayBorrow ?? true,
  };
}

function cores(cpuMillis: number): QuotaUse {
  return { ...noUse(), cpuMillis };
}

function treeOf(settings: Project[], used: Record<string, QuotaUse> = {}) {
  const tree = new ProjectTree(
    settings,
    Object.entries(used).map(([name, use]) => [name as ProjectName, use] as const),
  );
  return { tree, node: (name: string) => tree.node(name as ProjectName) };
}

describe("a limit", () => {
  test("[INV7] is told with the project, the dimension and the numbers", () => {
    const { node } = treeOf([project("a", { limit: { cpuMillis: 4_000 } })], { a: cores(3_000) });
    expect(quotaLack(node("a"), cores(1_000))).toBeNull();
    expect(quotaLack(node("a"), cores(2_000))).toEqual({
      project: "a",
      dimension: "cpuMillis",
      limit: 4_000,
      used: 3_000,
      requested: 2_000,
    });
    expect(quotaRoom(node("a"), cores(300))).toBe(3);
    expect(quotaRoom(node("a"), { ...noUse(), memoryMiB: 1 })).toBe(Number.POSITIVE_INFINITY);
  });

  test("[INV7] of a parent bounds all its subprojects together", () => {
    const { node } = treeOf(
      [
        project("lab", { limit: { cpuMillis: 4_000 } }),
        project("a", { parent: "lab", limit: { cpuMillis: 4_000 } }),
        project("b", { parent: "lab" }),
      ],
      { a: cores(3_000), lab: cores(500) },
    );
    expect(quotaRoom(node("b"), cores(500))).toBe(1);
    expect(quotaLack(node("b"), cores(1_000))).toMatchObject({ project: "lab", used: 3_500 });
  });

  test("that was lowered below what runs leaves no room, and no negative one", () => {
    const { node } = treeOf([project("a", { limit: { cpuMillis: 1_000 } })], { a: cores(3_000) });
    expect(quotaRoom(node("a"), cores(1))).toBe(0);
  });

  test("that a request exceeds by itself is hopeless", () => {
    const { node } = treeOf([project("a", { limit: { cpuMillis: 1_000 } })], { a: cores(900) });
    expect(hopelessLack(node("a"), cores(1_000))).toBeNull();
    expect(hopelessLack(node("a"), cores(600), 2)).toMatchObject({
      limit: 1_000,
      requested: 1_200,
    });
  });

  test("is the guarantee for a project that may not borrow", () => {
    const { node } = treeOf([project("a", { guaranteed: { cpuMillis: 2_000 }, mayBorrow: false })]);
    expect(quotaRoom(node("a"), cores(1_000))).toBe(2);
    expect(quotaRoom(node("a"), { ...noUse(), memoryMiB: 1 })).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("a guarantee", () => {
  test("covers a request in the dimensions that it names", () => {
    const { node } = treeOf([project("a", { guaranteed: { cpuMillis: 2_000, memoryMiB: 100 } })]);
    expect(isCovered(node("a"), cores(2_000))).toBe(true);
    expect(isCovered(node("a"), cores(2_001))).toBe(false);
    expect(isCovered(node("a"), { ...cores(1), memoryMiB: 101 })).toBe(false);
    expect(isCovered(node("a"), { ...cores(1), gpuMillis: 1 })).toBe(true);
    expect(isCovered(node("a"), { ...noUse(), gpuMillis: 1 })).toBe(false);
  });

  test("takes back what is borrowed, and nothing that another is guaranteed", () => {
    const { node } = treeOf(
      [
        project("owner", { guaranteed: { cpuMillis: 4_000 } }),
        project("modest", { guaranteed: { cpuMillis: 2_000 } }),
        project("greedy", { guaranteed: { cpuMillis: 2_000 } }),
      ],
      { owner: cores(1_000), modest: cores(2_000), greedy: cores(3_000), nobody: cores(1_000) },
    );
    const may = (holder: string, request = 1_000) =>
      mayReclaim(node("owner"), cores(request), node(holder), cores(1_000));
    expect([may("modest"), may("greedy"), may("nobody"), may("owner")]).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(may("greedy", 4_000)).toBe(false);
  });

  test("takes back only what helps", () => {
    const { node } = treeOf([project("owner", { guaranteed: { cpuMillis: 4_000 } })], {
      other: { ...noUse(), memoryMiB: 10 },
    });
    const held = { ...noUse(), memoryMiB: 10 };
    expect(mayReclaim(node("owner"), cores(1), node("other"), held)).toBe(false);
  });

  test("that siblings share settles nothing between them", () => {
    const { node } = treeOf(
      [
        project("lab", { guaranteed: { cpuMillis: 9_000 } }),
        project("a", { parent: "lab" }),
        project("b", { parent: "lab", guaranteed: { cpuMillis: 1_000 } }),
        project("c", { parent: "lab" }),
      ],
      { a: cores(2_000), outside: cores(1_000) },
    );
    expect(mayReclaim(node("c"), cores(500), node("a"), cores(1_000))).toBe(false);
    expect(mayReclaim(node("b"), cores(500), node("a"), cores(1_000))).toBe(true);
    expect(mayReclaim(node("c"), cores(500), node("outside"), cores(1_000))).toBe(true);
    expect(mayReclaim(node("outside"), cores(500), node("a"), cores(1_000))).toBe(false);
  });
});

const names = ["a", "b", "c", "d"] as const;
const amounts = fc.record({
  cpuMillis: fc.integer({ min: 0, max: 40 }),
  memoryMiB: fc.integer({ min: 0, max: 40 }),
  gpuMillis: fc.integer({ min: 0, max: 40 }),
});
const maybe = fc.record({
  cpuMillis: fc.option(fc.integer({ min: 0, max: 100 }), { nil: null }),
  memoryMiB: fc.option(fc.integer({ min: 0, max: 100 }), { nil: null }),
  gpuMillis: fc.option(fc.integer({ min: 0, max: 100 }), { nil: null }),
});
const projects = fc
  .array(
    fc.record({ above: fc.option(fc.nat(3), { nil: null }), guaranteed: maybe, limit: maybe }),
    { minLength: 4, maxLength: 4 },
  )
  .map((drawn) =>
    drawn.map(({ above, guaranteed, limit }, at): Project => {
      const parent = above !== null && above < at ? (names[above] as string) : null;
      return {
        ...project(names[at] ?? "a"),
        parent: parent as ProjectName | null,
        guaranteed,
        limit,
      };
    }),
  );
const requests = fc.array(fc.tuple(fc.constantFrom(...names), amounts), { maxLength: 60 });

describe("quotas, whatever is asked", () => {
  test("[INV7] no limit is exceeded, and the room is exactly what is taken before the first lack", () => {
    fc.assert(
      fc.property(projects, requests, (settings, asked) => {
        const { tree, node } = treeOf(settings);
        const total = new Map<string, QuotaUse>();
        for (const [name, use] of asked) {
          const room = quotaRoom(node(name), use);
          expect(quotaLack(node(name), use) === null).toBe(room > 0);
          if (Number.isFinite(room) && room > 0) {
            expect(quotaLack(node(name), use, room)).toBeNull();
            expect(quotaLack(node(name), use, room + 1)).not.toBeNull();
          }
          if (room > 0) tree.take(name as string as ProjectName, use);
          // By plain sums over the tree, written again.
          if (room > 0) {
            const before = total.get(name) ?? noUse();
            total.set(name, {
              cpuMillis: before.cpuMillis + use.cpuMillis,
              memoryMiB: before.memoryMiB + use.memoryMiB,
              gpuMillis: before.gpuMillis + use.gpuMillis,
            });
          }
        }
        for (const { name, limit } of settings) {
          const below = settings.filter((one) => isWithin(settings, one, name));
          for (const dimension of quotaDimensions) {
            const sum = below.reduce(
              (all, one) => all + (total.get(one.name)?.[dimension] ?? 0),
              0,
            );
            expect(node(name).used[dimension]).toBe(sum);
            expect(sum).toBeLessThanOrEqual(limit[dimension] ?? Number.POSITIVE_INFINITY);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test("what was reclaimed cannot reclaim in turn from whom it was taken for", () => {
    fc.assert(
      fc.property(projects, requests, (settings, asked) => {
        const { tree, node } = treeOf(settings);
        for (const [name, use] of asked) tree.take(name as string as ProjectName, use);
        for (const [owner, request] of asked.slice(0, 8)) {
          for (const [holder, held] of asked) {
            if (!mayReclaim(node(owner), request, node(holder), held)) continue;
            tree.release(holder as string as ProjectName, held);
            tree.take(owner as string as ProjectName, request);
            expect(mayReclaim(node(holder), held, node(owner), request)).toBe(false);
            tree.release(owner as string as ProjectName, request);
            tree.take(holder as string as ProjectName, held);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

function isWithin(all: readonly Project[], one: Project, name: string): boolean {
  if (one.name === name) return true;
  const above = all.find(({ name: other }) => other === one.parent);
  return above !== undefined && isWithin(all, above, name);
}

test("what is charged is what is asked for, GPUs in thousandths", () => {
  const gpu = { count: 2, models: [], memoryMiB: 0 };
  expect(quotaUseOf(batchSpec({ resources: { cpuMillis: 5, memoryMiB: 7, gpu } }))).toEqual({
    cpuMillis: 5,
    memoryMiB: 7,
    gpuMillis: 2_000,
  });
  const slice = { ...gpu, count: 1, slice: "2g.20gb" };
  expect(quotaUseOf(batchSpec({ resources: { gpu: slice } })).gpuMillis).toBe(286);
});
