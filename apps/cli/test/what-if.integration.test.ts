import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestHome } from "./test-home.ts";

const home = new TestHome();
let node = "";

beforeAll(async () => {
  expect((await home.up("--no-examples")).exitCode).toBe(0);
  node = (await home.run(["node", "ls", "-o", "name"])).stdout.trim();
  const path = file("web", "kind: service\ncount: 2", "{ cpu: 10m, memory: 16MiB }");
  expect((await home.run(["apply", path, "--wait"])).exitCode).toBe(0);
});
afterAll(() => home.remove());

function file(name: string, kind: string, resources: string): string {
  const path = join(home.folder, `${name}.yaml`);
  const task = "task: { command: [sleep, '300'] }";
  writeFileSync(path, `${kind}\nname: ${name}\n${task}\nresources: ${resources}\n`);
  return path;
}

async function seq(): Promise<number> {
  return ((await home.json("status")).value as { seq: number }).seq;
}

describe("what-if", () => {
  test("a node is drained or lost: what has no place is said, with 2, and nothing happens", async () => {
    const before = await seq();
    for (const what of [
      ["drain", node],
      ["lose", node],
      ["lose", "node", node],
    ]) {
      const { exitCode, stdout, stderr } = await home.run(["what-if", ...what]);
      expect(exitCode).toBe(2);
      expect(stdout).toMatch(/^displaced +default\/web\[0\] +a\d+ /m);
      expect(stdout).toMatch(/^waiting +default\/web +0 → 2$/m);
      expect(stdout).toMatch(/^cpu +\S+ → 0 /m);
      expect(stderr).toContain("nothing was changed");
    }
    expect(await seq()).toBe(before);
    expect((await home.json("show", "web")).value).toMatchObject({ running: 2 });
  });

  test("nodes are added, and room grows by theirs", async () => {
    const { exitCode, value } = await home.json("what-if", "add", "2", "--like", node);
    expect(exitCode).toBe(0);
    expect(value).toMatchObject({
      seq: expect.any(Number),
      changes: [],
      counts: { moved: 0, displaced: 0 },
      waiting: [],
      tookMs: expect.any(Number),
    });
    type Room = { dimensions: { dimension: string; capacity: number }[] };
    const { before, after } = value as { before: Room; after: Room };
    for (const [at, { dimension, capacity }] of before.dimensions.entries()) {
      expect(after.dimensions[at]).toMatchObject({ dimension, capacity: 3 * capacity });
    }
  });

  test("work is submitted or resized, as far as it fits", async () => {
    const fits = file("fits", "kind: batch\ncount: 2", "{ cpu: 20m, memory: 16MiB }");
    const submitted = await home.run(["what-if", "submit", fits]);
    expect(submitted.exitCode).toBe(0);
    expect(submitted.stdout).toMatch(/^2 started$/m);
    const huge = file("huge", "kind: batch", "{ cpu: 4000, memory: 16MiB }");
    const refused = await home.run(["what-if", "submit", huge]);
    expect(refused.exitCode).toBe(2);
    expect(refused.stdout).toContain("needs 4000 cpu");
    const resized = await home.json("what-if", "resize", "web", "--count", "3", "--cpu", "11m");
    expect(resized.value).toMatchObject({ counts: { restarted: 2, started: 1 } });
  });

  test("mistakes are answered like everywhere", async () => {
    const unknown = await home.run(["what-if", "lose", "rack=r1"]);
    expect(unknown.exitCode).toBe(5);
    expect(unknown.stderr).toContain("no node has the label rack=r1");
    expect((await home.run(["what-if", "drain", "nowhere"])).exitCode).toBe(5);
    expect((await home.run(["what-if", "add", "0", "--like", node])).exitCode).toBe(1);
    const nothing = await home.run(["what-if", "resize", "web"]);
    expect(nothing.stderr).toContain("--count 5");
    const wrong = join(home.folder, "wrong.yaml");
    writeFileSync(wrong, "kind: batch\nname: wrong\ntask: {}\n");
    const { exitCode, stderr } = await home.run(["what-if", "submit", wrong]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${wrong}:3:`);
  });
});

describe("rebalance", () => {
  test("shows that there is nothing to gain on one node, as data too", async () => {
    const { exitCode, stdout } = await home.run(["rebalance"]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("nothing worth moving");
    expect((await home.json("rebalance", "--apply")).value).toMatchObject({
      plan: { moves: [], movable: 0 },
      outcomes: [],
      interrupted: false,
    });
  });

  test("makes room only for what waits", async () => {
    expect((await home.run(["rebalance", "--for", "web"])).exitCode).toBe(2);
    const path = file("large", "kind: batch", "{ cpu: 4000, memory: 16MiB }");
    await home.run(["apply", path]);
    const { exitCode, value } = await home.json("rebalance", "--for", "large");
    expect(exitCode).toBe(2);
    expect(value).toMatchObject({ room: { workload: "default/large", waiting: 1, placeable: 0 } });
    await home.run(["rm", "large"]);
  });

  test("takes one of --plan and --apply, and a number of moves", async () => {
    expect((await home.run(["rebalance", "--plan", "--apply"])).exitCode).toBe(1);
    expect((await home.run(["rebalance", "--moves", "1000"])).stderr).toContain("1 to 100");
  });
});
