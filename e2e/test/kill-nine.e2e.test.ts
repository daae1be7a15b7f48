import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  Cluster,
  identify,
  isAlive,
  type Part,
  type ProcessIdentity,
  until,
} from "../src/index.ts";

describe("kill -9", () => {
  const cluster = new Cluster();
  let tasks: ProcessIdentity[] = [];

  beforeAll(async () => {
    await cluster.start("--no-examples");
    await apply("steady", {
      kind: "service",
      count: 3,
      task: { command: ["/bin/sleep", "100000"] },
    });
    await until("all three run", async () => (await cluster.running("steady")).length === 3);
    tasks = (await cluster.running("steady")).map(({ pid }) => {
      const identity = pid === null ? null : identify(pid);
      if (identity === null) throw new Error("a running task has no process");
      return identity;
    });
  });
  afterAll(() => cluster.destroy());

  async function apply(name: string, rest: object): Promise<void> {
    const file = join(cluster.home, `${name}.json`);
    const resources = { cpu: "10m", memory: "8MiB" };
    writeFileSync(file, JSON.stringify({ name, resources, ...rest }));
    const applied = await cluster.berth("apply", file, "--json");
    expect(applied.stdout + applied.stderr).toMatch(/"created"/);
  }

  async function expectUntouched(): Promise<void> {
    expect(tasks.filter((task) => !isAlive(task))).toEqual([]);
    const running = await cluster.running("steady");
    expect(new Set(running.map(({ pid }) => pid))).toEqual(new Set(tasks.map(({ pid }) => pid)));
  }

  for (const part of ["agent", "scheduler", "gateway", "nats"] satisfies Part[]) {
    it(`[INV3][INV6] of the ${part}: it comes back by itself, nothing is lost, no task restarts`, async () => {
      await apply(`before-${part}`, { kind: "batch", task: { command: ["/bin/true"] } });
      const killed = cluster.kill(part);
      await until(`the ${part} is another process`, () => {
        const now = cluster.part(part);
        return now !== null && now.startTicks !== killed.startTicks;
      });
      await until("the cluster is ready", async () => {
        const status = await cluster.status();
        return status.ready && status.nodes.ready === 1;
      });
      await until("what was acknowledged before has run", async () => {
        return (await cluster.workload(`before-${part}`)).status === "complete";
      });
      await expectUntouched();
    });
  }

  it("[INV3][INV6] of everything at once: the next start finds all of it, and no task restarts", async () => {
    await apply("before-everything", { kind: "batch", task: { command: ["/bin/true"] } });
    await cluster.killEverything();
    expect(tasks.filter((task) => !isAlive(task))).toEqual([]);
    await cluster.start("--no-examples");
    await until("what was acknowledged before has run", async () => {
      return (await cluster.workload("before-everything")).status === "complete";
    });
    await expectUntouched();
  });
});
