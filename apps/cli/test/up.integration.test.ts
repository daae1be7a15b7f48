import { afterAll, beforeAll, expect, test } from "vitest";
import type { AllocationView } from "@berth/protocol";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { eventually, TestHome } from "./test-home.ts";

const home = new TestHome();

beforeAll(async () => {
  const { exitCode, stderr } = await home.up();
  expect(stderr).toBe("");
  expect(exitCode).toBe(0);
  expect(readFileSync(join(home.folder, "logs", "up.log"), "utf8")).toContain(
    "Submitted the examples",
  );
});
afterAll(() => home.remove());

async function runningPids(): Promise<number[]> {
  const { value } = await home.json("ls", "allocations");
  const { allocations } = value as { allocations: AllocationView[] };
  return allocations.map(({ pid }) => pid ?? 0).toSorted((a, b) => a - b);
}

test("the first start submits the examples, and they run together", async () => {
  await eventually(async () => {
    expect((await home.run(["ls"])).stdout).toMatch(/word-count +batch +complete +1\/1/);
    expect((await home.run(["ls"])).stdout).toMatch(/web +service +running +3\/3/);
    expect((await home.run(["ls"])).stdout).toMatch(/load-watch +system +running +1\/1/);
  });
  expect((await home.run(["logs", "word-count"])).stdout).toMatch(/words in \d+ files/);
  expect((await home.run(["why", "impossible"])).stdout).toContain(
    "1 node has no GPU of the model",
  );
});

test("a second one on the same home is refused, and told of the first", async () => {
  const { exitCode, stderr } = await home.run(["up"]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`process ${home.file.supervisor?.pid}`);
  expect(stderr).toContain(home.file.consoleUrl);
});

test("only the owner can read what names the credentials", () => {
  expect(statSync(join(home.folder, "cluster.json")).mode & 0o077).toBe(0);
  expect(statSync(home.file.credentials.operator.seedFile).mode & 0o077).toBe(0);
});

test.each(["agent", "scheduler", "gateway", "nats"])(
  "a killed %s comes back, and no task is restarted",
  async (part) => {
    const before = await runningPids();
    const victim = home.file.children[part];
    expect(victim).toBeDefined();
    if (victim) process.kill(victim.pid, "SIGKILL");
    await eventually(() => {
      expect(home.file.children[part]?.pid).toBeGreaterThan(0);
      expect(home.file.children[part]).not.toEqual(victim);
    });
    await eventually(async () => {
      expect((await home.json("status")).value).toMatchObject({ ready: true, nodes: { ready: 1 } });
      expect((await fetch(home.file.consoleUrl)).ok).toBe(true);
    });
    expect(await runningPids()).toEqual(before);
  },
);

test("when nobody answers, commands end within 5 s and name the address", async () => {
  const { nats } = home.file.children;
  expect(nats).toBeDefined();
  if (!nats) return;
  process.kill(nats.pid, "SIGSTOP");
  try {
    const { exitCode, stderr, tookMs } = await home.run(["status"]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(home.file.natsUrl);
    expect(tookMs).toBeLessThan(5_000);
  } finally {
    process.kill(nats.pid, "SIGCONT");
  }
  await eventually(async () => {
    expect((await home.run(["status"])).exitCode).toBe(0);
  });
});

test("a killed supervisor takes its parts with it, not the tasks, and the next start finds them", async () => {
  const before = await runningPids();
  await home.run(["rm", "impossible", "--wait"]);
  const { supervisor, ports } = home.file;
  if (supervisor) process.kill(supervisor.pid, "SIGKILL");
  await eventually(() => {
    // NATS does not watch anybody: the next start ends it.
    expect(home.runningParts()).toEqual(["nats"]);
  });
  const down = await home.run(["status"]);
  expect(down.exitCode).toBe(1);
  expect(down.stderr).toContain("berth up");

  expect((await home.run(["up", "--detach"])).exitCode).toBe(0);
  expect(home.file.ports).toEqual(ports);
  expect(home.runningParts().toSorted()).toEqual(["agent", "gateway", "nats", "scheduler"]);
  expect(await runningPids()).toEqual(before);
  // What was removed is not submitted again.
  expect((await home.run(["why", "impossible"])).exitCode).toBe(5);
});

test("down leaves the tasks, and says how to end them", async () => {
  const before = await runningPids();
  expect((await home.run(["down"])).exitCode).toBe(0);
  expect(home.file).toMatchObject({ supervisor: null, children: {}, ready: false });
  const foreground = home.begin(["up"]);
  await eventually(() => {
    expect(foreground.stdout()).toContain("Berth is ready.");
  });
  expect(await runningPids()).toEqual(before);
  foreground.child.kill("SIGINT");
  expect(await foreground.ended).toBe(0);
  expect(foreground.stderr()).toContain(`${before.length} tasks go on`);
  expect(foreground.stderr()).toContain("berth down --tasks");

  const { value } = await home.json("down", "--tasks");
  expect(value).toMatchObject({ wasRunning: false, tasksStopped: before.length });
});

test("without a cluster commands end at once and say what to do", async () => {
  const { exitCode, stderr, tookMs } = await home.run(["ls"]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain("Start it with: berth up");
  expect(tookMs).toBeLessThan(5_000);
});
