import type { RebalanceMove, RebalancePlan } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { CoreCluster, server } from "../../test/core-cluster.ts";
import { newRequestId } from "../cluster/cluster-client.ts";
import { plainStream } from "../output/recorded-stream.ts";
import { applyMoves } from "./apply-moves.ts";

const TIMEOUT_MS = 10_000;

/** Two half-full servers, one of them with work that may be moved, and a job that needs a whole one. */
async function crowded(): Promise<{ cluster: CoreCluster; plan: RebalancePlan }> {
  const cluster = new CoreCluster();
  const resources = { cpu: 1, memory: "64MiB" };
  for (const name of ["left", "right"]) {
    cluster.join(server(name));
    await cluster.apply({
      kind: "service",
      name: `web-${name}`,
      count: 2,
      task: { command: ["serve"] },
      resources,
      movable: name === "left",
      constraints: name === "right" ? ["node.name == right"] : [],
    });
  }
  const task = { command: ["work"] };
  const whole = { ...resources, cpu: 4 };
  await cluster.apply({ kind: "batch", name: "large", task, resources: whole });
  const plan = await cluster.call("cluster.rebalance", { workload: "large" });
  return { cluster, plan };
}

function commandOn(cluster: CoreCluster) {
  const interrupt = new AbortController();
  const notes = plainStream();
  const terminal = { out: plainStream(), notes };
  const context = { client: cluster, interrupted: interrupt.signal, terminal };
  return { context, notes, interrupt: () => interrupt.abort() };
}

const namesOf = (moves: readonly RebalanceMove[]) => moves.map(({ workload }) => workload);

describe("moves are made", () => {
  test("one after the other, each when the one before serves, and what waited starts", async () => {
    const { cluster, plan } = await crowded();
    expect(namesOf(plan.moves)).toEqual(["default/web-left", "default/web-left"]);
    const { context, notes } = commandOn(cluster);
    const stopping: number[] = [];
    cluster.onCall = () => {
      const live = [...cluster.state.allocations.values()];
      stopping.push(live.filter(({ status }) => status === "stopping").length);
    };
    const { outcomes, isInterrupted } = await applyMoves(context, plan.moves, TIMEOUT_MS);
    expect(outcomes.map(({ result, node }) => [result, node])).toEqual([
      ["moved", "right"],
      ["moved", "right"],
    ]);
    expect(isInterrupted).toBe(false);
    expect(Math.max(...stopping)).toBe(1);
    expect(notes.text()).toContain("2/2  default/web-left[");
    cluster.settle();
    const large = await cluster.call("workload.get", { workload: "large" });
    expect(large).toMatchObject({ running: 1 });
  });

  test("until Ctrl-C, which lets the current one finish", async () => {
    const { cluster, plan } = await crowded();
    const { context, interrupt } = commandOn(cluster);
    cluster.onCall = (method) => {
      if (method === "allocation.move") interrupt();
    };
    const { outcomes, isInterrupted } = await applyMoves(context, plan.moves, TIMEOUT_MS);
    expect(outcomes.map(({ result }) => result)).toEqual(["moved"]);
    expect(isInterrupted).toBe(true);
    const live = [...cluster.state.allocations.values()];
    expect(live.filter(({ status }) => status === "stopping")).toEqual([]);
  });

  test("and those that are not possible any more are skipped, and say why", async () => {
    const { cluster, plan } = await crowded();
    await cluster.call("workload.remove", { requestId: newRequestId(), workload: "large" });
    const [first] = plan.moves;
    const node = first?.toId ?? "";
    await cluster.call("node.cordon", { requestId: newRequestId(), node });
    const { context } = commandOn(cluster);
    const { outcomes } = await applyMoves(context, plan.moves, TIMEOUT_MS);
    expect(outcomes.map(({ result }) => result)).toEqual(["skipped", "skipped"]);
    expect(outcomes[0]?.message).toContain("right has no room for a1 now");
  });

  test("no further when a replacement does not come up in time", async () => {
    const { cluster, plan } = await crowded();
    const { context } = commandOn(cluster);
    cluster.isStarting = false;
    const { outcomes, isInterrupted } = await applyMoves(context, plan.moves, 0);
    expect(outcomes.map(({ result }) => result)).toEqual(["timeout"]);
    expect(isInterrupted).toBe(false);
  });
});
