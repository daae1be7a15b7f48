import { MESSAGE_VERSION, type Reply, subjects } from "@berth/protocol";
import { describe, expect, it } from "vitest";
import { stateHash } from "../src/core/index.ts";
import { shellLimits } from "../src/shell/limits.ts";
import { replayLog } from "../src/shell/replay-log.ts";
import {
  accepted,
  FakeAgent,
  leadersState,
  nodeId,
  refusedWith,
  requestId,
  service,
  shellWorld,
  submission,
} from "./shell-world.ts";

describe("a scheduler that starts", () => {
  it("mints the cluster's id once and opens a new term each time", async () => {
    const world = shellWorld();
    const first = await world.leading();
    const { clusterId } = leadersState(first);
    expect(clusterId).toMatch(/^c[0-9a-z]{20}$/);
    expect(leadersState(first).term).toBe(1);
    await world.during(first.stop());
    const second = await world.leading();
    expect(leadersState(second)).toMatchObject({ clusterId, term: 2, seq: 2 });
  });

  it("folds the log to the same state as the one that wrote it [INV4]", async () => {
    const world = shellWorld();
    const first = await world.leading();
    const agent = new FakeAgent(world.network.connect("agent"), nodeId(1));
    await world.during(agent.hello());
    await world.ask("workload.apply", submission(service("web", { count: 3 })));
    await world.ask(
      "workload.apply",
      submission(service("too-big", { resources: { cpu: "100" } })),
    );
    const hash = stateHash(leadersState(first));
    await world.during(first.stop());
    const { state } = await replayLog(world.log);
    expect(stateHash(state)).toBe(hash);
  });

  it("refuses to go on from a log that something else wrote to", async () => {
    const world = shellWorld();
    world.log.intrude(new TextEncoder().encode("not ours"));
    const scheduler = world.startScheduler();
    await expect(world.during(scheduler.done)).rejects.toThrow(/log entry 1 .*not JSON/);
  });

  it("waits for a log that cannot be read, and says so meanwhile", async () => {
    const world = shellWorld();
    world.log.setAvailable(false);
    const scheduler = world.startScheduler();
    await world.advance(1_000);
    expect(scheduler.standing.mode).toBe("away");
    world.log.setAvailable(true);
    await world.until(() => scheduler.standing.mode === "leading");
    expect(accepted(await world.ask("cluster.status", {})).ready).toBe(true);
  });
});

describe("a write", () => {
  it("is accepted only after the log has acknowledged it [INV3]", async () => {
    const world = shellWorld({ appendDelayMs: 50 });
    await world.leading();
    const before = world.log.entries().length;
    const sentMs = world.clock.monotonicMs();
    const { seq } = accepted(await world.ask("workload.apply", submission(service("web"))));
    expect(world.clock.monotonicMs() - sentMs).toBeGreaterThanOrEqual(50);
    expect(seq).toBe(before + 1);
    expect(world.log.entries().length).toBeGreaterThanOrEqual(seq);
  });

  it("shares its entry with the placements it causes", async () => {
    const world = shellWorld();
    const scheduler = await world.leading();
    const agent = new FakeAgent(world.network.connect("agent"), nodeId(1));
    await world.during(agent.hello());
    const before = world.log.entries().length;
    await world.ask("workload.apply", submission(service("web", { count: 3 })));
    expect(world.log.entries().length).toBe(before + 1);
    expect(leadersState(scheduler).allocations.size).toBe(3);
  });

  it("shares an entry with others that came while one was on its way", async () => {
    const world = shellWorld({ appendDelayMs: 20 });
    await world.leading();
    const before = world.log.entries().length;
    const replies = Array.from({ length: 50 }, (_, number) =>
      world.client.request(
        subjects.api("workload.apply"),
        { v: MESSAGE_VERSION, ...submission(service(`web-${number}`)) },
        { timeoutMs: 60_000 },
      ),
    );
    await world.during(Promise.all(replies));
    expect(world.log.entries().length - before).toBeLessThan(10);
  });

  it("returns the first answer when its request id is repeated", async () => {
    const world = shellWorld();
    await world.leading();
    const request = submission(service("web"));
    const first = accepted(await world.ask("workload.apply", request));
    const entries = world.log.entries().length;
    expect(accepted(await world.ask("workload.apply", request))).toEqual(first);
    expect(world.log.entries()).toHaveLength(entries);
  });

  it("returns the first answer even from a later leader", async () => {
    const world = shellWorld();
    const first = await world.leading();
    const request = submission(service("web"));
    const answer = accepted(await world.ask("workload.apply", request));
    await world.during(first.stop());
    await world.leading();
    expect(accepted(await world.ask("workload.apply", request))).toEqual(answer);
  });

  it("is refused as overloaded when too many wait, and those are still answered", async () => {
    const world = shellWorld({ appendDelayMs: 1_000 });
    await world.leading();
    const extra = 5;
    const replies = Array.from({ length: shellLimits.answersHeldMax + extra }, (_, number) => {
      const body =
        number === 0 ? submission(service("web")) : { requestId: requestId(), node: "none" };
      const method = number === 0 ? "workload.apply" : "node.cordon";
      return world.client.request(
        subjects.api(method),
        { v: MESSAGE_VERSION, ...body },
        { timeoutMs: 60_000 },
      ) as Promise<Reply<unknown>>;
    });
    const codes = (await world.during(Promise.all(replies))).map((reply) =>
      reply.ok ? "accepted" : reply.error.code,
    );
    expect(codes[0]).toBe("accepted");
    expect(codes.filter((code) => code === "overloaded")).toHaveLength(extra);
    expect(codes.filter((code) => code === "not_found")).toHaveLength(codes.length - extra - 1);
  });
});

describe("an append that fails", () => {
  it("with a conflict: the write is refused as retryable and the log is read again", async () => {
    const world = shellWorld();
    const scheduler = await world.leading();
    world.log.failNext("conflict");
    const reply = await world.ask("workload.apply", submission(service("web")));
    expect(reply).toMatchObject({ ok: false, error: { code: "not_leader", retryable: true } });
    await world.until(() => scheduler.standing.mode === "leading");
    expect(leadersState(scheduler).workloads.size).toBe(0);
    expect(leadersState(scheduler).term).toBe(2);
  });

  it("without an answer, not stored: nothing of it remains", async () => {
    const world = shellWorld();
    const scheduler = await world.leading();
    world.log.failNext("lost");
    const request = submission(service("web"));
    const reply = await world.ask("workload.apply", request);
    expect(reply).toMatchObject({ ok: false, error: { code: "log.unavailable", retryable: true } });
    await world.until(() => scheduler.standing.mode === "leading");
    expect(leadersState(scheduler).workloads.size).toBe(0);
    expect(accepted(await world.ask("workload.apply", request)).results).toMatchObject([
      { change: "created" },
    ]);
  });

  it("without an answer, but stored: repeating the request finds it done, once", async () => {
    const world = shellWorld();
    const scheduler = await world.leading();
    world.log.failNext("unanswered");
    const request = submission(service("web"));
    expect(refusedWith(await world.ask("workload.apply", request))).toBe("log.unavailable");
    await world.until(() => scheduler.standing.mode === "leading");
    expect(leadersState(scheduler).workloads.size).toBe(1);
    expect(accepted(await world.ask("workload.apply", request)).results).toMatchObject([
      { change: "created", version: 1 },
    ]);
    expect(leadersState(scheduler).workloads.size).toBe(1);
  });

  it("tells agents nothing that is not in the log", async () => {
    const world = shellWorld();
    const scheduler = await world.leading();
    const agent = new FakeAgent(world.network.connect("agent"), nodeId(1));
    await world.during(agent.hello());
    const before = agent.deltas.length;
    world.log.failNext("lost");
    await world.ask("workload.apply", submission(service("web")));
    await world.until(() => scheduler.standing.mode === "leading");
    expect(agent.deltas.slice(before).flatMap(({ add }) => add)).toEqual([]);
  });

  it("because the disk is full: writes are refused, reads go on, and room ends it", async () => {
    const world = shellWorld();
    const scheduler = await world.leading();
    await world.ask("workload.apply", submission(service("kept")));
    world.log.setFull(true);
    const reply = await world.ask("workload.apply", submission(service("web")));
    expect(reply).toMatchObject({ ok: false, error: { code: "log.full", retryable: true } });
    await world.until(() => world.refusalOf(scheduler) === "log.full");
    expect(accepted(await world.ask("cluster.status", {}))).toMatchObject({
      ready: false,
      workloads: 1,
    });
    expect(refusedWith(await world.ask("workload.apply", submission(service("web"))))).toBe(
      "log.full",
    );
    world.log.setFull(false);
    await world.until(() => scheduler.standing.mode === "leading");
    accepted(await world.ask("workload.apply", submission(service("web"))));
    expect(leadersState(scheduler).workloads.size).toBe(2);
  });
});

describe("a request", () => {
  it("of the wrong shape is refused with every problem", async () => {
    const world = shellWorld();
    await world.leading();
    const reply = await world.askRaw("berth.api.event.list", { v: 1, limit: 0, waitMs: "soon" });
    expect(reply).toMatchObject({
      ok: false,
      error: { code: "invalid", problems: [{ path: ["limit"] }, { path: ["waitMs"] }] },
    });
  });

  it("without a version this scheduler knows is refused", async () => {
    const world = shellWorld();
    await world.leading();
    expect(refusedWith(await world.askRaw("berth.api.cluster.status", {}))).toBe("invalid");
    expect(refusedWith(await world.askRaw("berth.api.cluster.status", { v: 9 }))).toBe("invalid");
    expect(refusedWith(await world.askRaw("berth.api.cluster.status", [null]))).toBe("invalid");
  });

  it("for a method that does not exist is refused", async () => {
    const world = shellWorld();
    await world.leading();
    expect(refusedWith(await world.askRaw("berth.api.cluster.explode", { v: 1 }))).toBe(
      "not_found",
    );
    expect(refusedWith(await world.askRaw("berth.api.constructor", { v: 1 }))).toBe("not_found");
  });

  it("for events waits for the first one", async () => {
    const world = shellWorld();
    const scheduler = await world.leading();
    const afterSeq = leadersState(scheduler).seq;
    const waiting = world.client.request(
      "berth.api.event.list",
      { v: 1, afterSeq, waitMs: 10_000 },
      { timeoutMs: 60_000 },
    );
    await world.advance(500);
    await world.ask("workload.apply", submission(service("web")));
    const reply = await world.during(waiting);
    const web = expect.objectContaining({ workload: "default/web", type: "WorkloadApplied" });
    expect(reply).toMatchObject({ ok: true, value: { events: expect.arrayContaining([web]) } });
    expect(world.clock.monotonicMs()).toBeLessThan(9_000);
  });

  it("for events is answered with none when its time is up", async () => {
    const world = shellWorld();
    const scheduler = await world.leading();
    const params = { afterSeq: leadersState(scheduler).seq, waitMs: 300 };
    const value = accepted(await world.ask("event.list", params));
    expect(value.events).toEqual([]);
    expect(world.clock.monotonicMs()).toBeGreaterThanOrEqual(300);
  });
});
