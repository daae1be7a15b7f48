import type { Why, WorkloadView } from "@berth/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster, isAlive, until } from "../src/index.ts";

describe("the first start of a home", () => {
  const cluster = new Cluster();

  beforeAll(() => cluster.start());
  afterAll(() => cluster.destroy());

  it("is ready with this machine as its node and says where it stands", async () => {
    const status = await cluster.status();
    expect(status).toMatchObject({ ready: true, nodes: { total: 1, ready: 1, down: 0 } });
    expect(status.seq).toBeGreaterThan(0);
    expect(status.capacity.cpuMillis).toBeGreaterThan(0);
  });

  it("runs the examples: a service, a batch, a system workload, and one that cannot run", async () => {
    const workloads = await until("the examples have settled", async () => {
      const { workloads } = await cluster.json<{ workloads: WorkloadView[] }>("ls");
      const byKind = (kind: string) => workloads.filter((workload) => workload.kind === kind);
      const service = byKind("service").find(({ status }) => status === "running");
      const batch = byKind("batch").find(({ status }) => status === "complete");
      const system = byKind("system").find(({ status }) => status === "running");
      const impossible = workloads.find(({ status }) => status === "pending");
      return service && batch && system && impossible ? { service, batch, impossible } : null;
    });
    expect(workloads.service).toMatchObject({ desired: 3, healthy: 3, reason: null });
    const logs = await cluster.berth("logs", workloads.batch.name);
    expect(logs.exitCode).toBe(0);
    expect(logs.stdout).toMatch(/\d+/);
    expect(workloads.impossible.reason).toMatch(/GPU/i);
  });

  it("[INV8] explains the impossible one with counts that add up to all nodes", async () => {
    const { workloads } = await cluster.json<{ workloads: WorkloadView[] }>("ls");
    const impossible = workloads.find(({ status }) => status === "pending");
    const why = await cluster.json<Why>("why", impossible?.name ?? "");
    expect(why.pending.length).toBeGreaterThan(0);
    for (const { explanation } of why.pending) {
      if (explanation.reason !== "no_fit") throw new Error(explanation.reason);
      const counted = explanation.rejections.reduce((sum, { nodes }) => sum + nodes, 0);
      expect(counted).toBe(explanation.nodesTotal);
      expect(explanation.nodesTotal).toBe(why.nodesTotal);
    }
  });

  it("refuses a second start on the same home and leaves the first one alone", async () => {
    const second = await cluster.berth("up", "--home", cluster.home);
    expect(second.exitCode).toBe(2);
    expect(second.stderr).toMatch(/already runs/);
    expect((await cluster.status()).ready).toBe(true);
  });

  it("[INV6] keeps tasks through Ctrl-C and adopts them at the next start, history included", async () => {
    const before = await cluster.running("web");
    const tasks = cluster.taskProcesses();
    expect(await cluster.stop("SIGINT")).toBe(0);
    expect(tasks.every(isAlive)).toBe(true);
    await cluster.start();
    const after = await until("the service is as it was", async () => {
      const running = await cluster.running("web");
      return running.length === before.length ? running : null;
    });
    expect(after.map(({ id, pid }) => [id, pid])).toEqual(before.map(({ id, pid }) => [id, pid]));
    const { workloads } = await cluster.json<{ workloads: WorkloadView[] }>("ls");
    expect(workloads.some(({ status }) => status === "complete")).toBe(true);
  });
});
