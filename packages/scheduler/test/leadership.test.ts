import { MESSAGE_VERSION, type Reply, subjects } from "@berth/protocol";
import { seededRandom } from "@berth/runtime/memory";
import { describe, expect, it } from "vitest";
import { stateHash } from "../src/core/index.ts";
import { shellTimings } from "../src/shell/limits.ts";
import { replayLog } from "../src/shell/replay-log.ts";
import type { Scheduler } from "../src/shell/scheduler.ts";
import { takeSnapshot } from "../src/shell/snapshot-take.ts";
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

const NAMES = ["one", "two", "three"] as const;

/** Three schedulers; the first leads, the others have its state and follow. */
async function threeSchedulers(options: Parameters<typeof shellWorld>[0] = {}) {
  const world = shellWorld(options);
  const schedulers = new Map<string, Scheduler>();
  for (const name of NAMES) {
    const scheduler = world.startScheduler(name);
    schedulers.set(name, scheduler);
    const mode = name === "one" ? "leading" : "following";
    await world.until(() => scheduler.standing.mode === mode);
  }
  const get = (name: string): Scheduler => {
    const scheduler = schedulers.get(name);
    if (scheduler === undefined) throw new Error(`no scheduler ${name}`);
    return scheduler;
  };
  const leaders = () => NAMES.filter((name) => get(name).standing.mode === "leading");
  const othersLead = () => leaders().some((name) => name !== "one");
  /** Repeats a submission under one id until it is accepted, as clients do. */
  async function submit(name: string): Promise<unknown> {
    const body = { v: MESSAGE_VERSION, requestId: requestId(), workloads: [service(name)] };
    for (;;) {
      const reply = (await world.client
        .request(subjects.api("workload.apply"), body, { timeoutMs: 1_000 })
        .catch(() => null)) as Reply<unknown> | null;
      if (reply?.ok) return reply.value;
      await new Promise<void>((resolve) => void world.clock.after(50, resolve));
    }
  }
  return { world, get, leaders, othersLead, submit };
}

describe("of three schedulers", () => {
  it("one leads and two have its state and follow", async () => {
    const { world, get, leaders } = await threeSchedulers();
    accepted(await world.ask("workload.apply", submission(service("web"))));
    await world.advance(100);
    expect(leaders()).toEqual(["one"]);
    const hash = stateHash(leadersState(get("one")));
    for (const name of ["two", "three"] as const) {
      const { standing } = get(name);
      expect(standing.mode === "following" && stateHash(standing.state)).toBe(hash);
    }
  });

  it("a killed leader is replaced within a second, without reading the log again", async () => {
    const { world, get, leaders } = await threeSchedulers();
    accepted(await world.ask("workload.apply", submission(service("before"))));
    world.processOf("one").kill();
    const killedAtMs = world.clock.monotonicMs();
    await world.until(() => ["two", "three"].some((name) => get(name).standing.mode === "leading"));
    expect(world.clock.monotonicMs() - killedAtMs).toBeLessThan(1_000);
    const [next] = leaders().filter((name) => name !== "one");
    if (next === undefined) throw new Error("one of the others leads");
    expect(world.processOf(next).reads).toBe(1);
    expect(leadersState(get(next)).term).toBe(2);
    accepted(await world.ask("workload.apply", submission(service("after"))));
    expect((await replayLog(world.log)).state.workloads.size).toBe(2);
  });

  it("a leader that stops in order hands over at once", async () => {
    const { world, get, othersLead } = await threeSchedulers();
    await world.during(get("one").stop());
    const stoppedAtMs = world.clock.monotonicMs();
    await world.until(othersLead);
    expect(world.clock.monotonicMs() - stoppedAtMs).toBeLessThan(2 * shellTimings.leasePollMs);
  });

  it("a frozen leader is replaced, and writes and answers nothing as a leader when it thaws [INV4]", async () => {
    const { world, get, othersLead } = await threeSchedulers();
    const one = world.processOf("one");
    one.freeze();
    const isAccepted = world.client
      .request(
        subjects.api("workload.apply"),
        { v: MESSAGE_VERSION, ...submission(service("sent-to-the-frozen")) },
        { timeoutMs: 60_000 },
      )
      .then((reply) => (reply as Reply<unknown>).ok)
      .catch(() => false);
    const frozenAtMs = world.clock.monotonicMs();
    await world.until(othersLead);
    expect(world.clock.monotonicMs() - frozenAtMs).toBeLessThan(shellTimings.leaseTtlMs + 1_000);
    await world.advance(30_000);
    const before = world.log.entries().length;
    one.thaw();
    expect(get("one").standing.mode).not.toBe("leading");
    await world.advance(100);
    expect(await world.during(isAccepted)).toBe(false);
    expect(world.log.entries().length).toBe(before);
  });

  it("a standby whose place in the log is gone goes on from the newest snapshot [INV4]", async () => {
    const { world, get, submit } = await threeSchedulers();
    const three = world.processOf("three");
    three.freeze();
    for (const name of ["a", "b", "c", "d"]) await world.during(submit(name));
    const whole = await replayLog(world.log);
    await takeSnapshot(world.snapshots, whole, world.clock.nowUnixMs());
    await world.log.purgeBefore(whole.lastSeq);
    await world.during(submit("after"));
    world.log.breakTails(new Error("the log starts later"));
    three.thaw();
    const expected = stateHash(leadersState(get("one")));
    const isUpToDate = () => {
      const { standing } = get("three");
      return standing.mode === "following" && stateHash(standing.state) === expected;
    };
    await world.until(isUpToDate);
    expect(three.reads).toBe(2);
  });

  it("one that starts while the log is purged begins again with the newest snapshot [INV4]", async () => {
    const { world, get, submit } = await threeSchedulers();
    for (const name of ["a", "b", "c"]) await world.during(submit(name));
    const whole = await replayLog(world.log);
    const four = world.startScheduler("four", (log) => ({
      ...log,
      async *read(fromSeq) {
        await takeSnapshot(world.snapshots, whole, world.clock.nowUnixMs());
        await world.log.purgeBefore(whole.lastSeq);
        yield* log.read(fromSeq);
      },
    }));
    await world.until(() => four.standing.mode === "following");
    const { standing } = four;
    const hash = stateHash(leadersState(get("one")));
    expect(standing.mode === "following" && stateHash(standing.state)).toBe(hash);
    expect(world.processOf("four").reads).toBe(2);
  });

  it("a frozen leader with a write under way reads the log again", async () => {
    const { world, get, othersLead } = await threeSchedulers({ appendDelayMs: 50 });
    const pending = world.client
      .request(
        subjects.api("workload.apply"),
        { v: MESSAGE_VERSION, ...submission(service("under-way")) },
        { timeoutMs: 60_000 },
      )
      .catch(() => null) as Promise<Reply<unknown> | null>;
    await world.until(() => !leadersState(get("one")).workloads.keys().next().done);
    world.processOf("one").freeze();
    await world.until(othersLead);
    world.processOf("one").thaw();
    await world.until(() => get("one").standing.mode === "following");
    expect(world.processOf("one").reads).toBe(2);
    const reply = await world.during(pending);
    const { state } = await replayLog(world.log);
    if (reply?.ok) expect(state.workloads.size).toBe(1);
  });

  it("a leader that is cut off stops answering writes before another one may lead", async () => {
    const { world, get, othersLead } = await threeSchedulers();
    world.lease.setAvailable(false);
    const cutAtMs = world.clock.monotonicMs();
    await world.until(() => get("one").standing.mode !== "leading");
    expect(world.clock.monotonicMs() - cutAtMs).toBeLessThan(shellTimings.leaseTtlMs);
    expect(othersLead()).toBe(false);
    const write = world.client.request(
      subjects.api("workload.apply"),
      { v: MESSAGE_VERSION, ...submission(service("web")) },
      { timeoutMs: 1_000 },
    );
    await expect(world.during(write)).rejects.toMatchObject({ retryable: true });
    world.lease.setAvailable(true);
    await world.until(() => NAMES.some((name) => get(name).standing.mode === "leading"));
    expect(world.processOf("one").reads).toBe(1);
  });

  it("a renewal that is stored without an answer changes nothing", async () => {
    const { world, get, leaders } = await threeSchedulers();
    world.lease.loseNextAnswer();
    await world.advance(5_000);
    expect(leaders()).toEqual(["one"]);
    expect(leadersState(get("one")).term).toBe(1);
  });

  it("a leader keeps its term while the lease is forgotten and nobody else wants it", async () => {
    const world = shellWorld();
    const scheduler = await world.leading();
    await world.advance(10_000);
    expect(leadersState(scheduler).term).toBe(1);
  });

  it("agents are told the new term and go on with the new leader", async () => {
    const { world, othersLead } = await threeSchedulers();
    const agent = new FakeAgent(world.network.connect("agent"), nodeId(1));
    agent.applied = (await world.during(agent.hello())).fence;
    expect(agent.applied.term).toBe(1);
    world.processOf("one").kill();
    await world.until(othersLead);
    await world.advance(2_000);
    agent.beat();
    await world.until(() => agent.deltas.some(({ fence }) => fence.term === 2));
    expect((await world.during(agent.desired())).fence.term).toBe(2);
  });

  it.each([1, 2, 3, 4, 5, 6])(
    "at most one writes, whoever freezes or is cut off, and no accepted write is lost [INV3] [INV4] (seed %i)",
    async (seed) => {
      const random = seededRandom(`leadership ${seed}`);
      const { world, get, submit } = await threeSchedulers({ appendDelayMs: 2 });
      const submissions: Promise<unknown>[] = [];
      for (let round = 0; round < 12; round += 1) {
        const victim = NAMES[random.below(NAMES.length)] ?? "one";
        const process = world.processOf(victim);
        if (random.below(2) === 0) {
          process.freeze();
          world.clock.after(random.below(5_000), () => process.thaw());
        } else {
          process.setCutOff(true);
          world.clock.after(random.below(5_000), () => process.setCutOff(false));
        }
        submissions.push(submit(`web-${round}`));
        await world.advance(random.below(3_000));
      }
      await world.advance(6_000);
      await world.during(Promise.all(submissions));
      await world.until(() => NAMES.every((name) => get(name).standing.mode !== "away"));
      await world.advance(1_000);
      const { state } = await replayLog(world.log);
      expect(state.workloads.size).toBe(submissions.length);
      expect([...state.workloads.values()].every(({ version }) => version === 1)).toBe(true);
      const hash = stateHash(state);
      for (const name of NAMES) {
        const { standing } = get(name);
        if (standing.mode === "following") expect(stateHash(standing.state)).toBe(hash);
        if (standing.mode === "leading") expect(stateHash(standing.reign.state)).toBe(hash);
      }
    },
  );
});

describe("a read", () => {
  it("is answered by standbys too, with the sequence it reflects", async () => {
    const { world } = await threeSchedulers();
    const { seq } = accepted(await world.ask("workload.apply", submission(service("web"))));
    await world.advance(100);
    for (let number = 0; number < 6; number += 1) {
      const reply = await world.ask("workload.list", {});
      expect(reply).toMatchObject({ ok: true, seq, value: { seq } });
    }
    world.processOf("one").freeze();
    let answers = 0;
    for (let number = 0; number < 6; number += 1) {
      const read = world.client.request("berth.api.workload.list", { v: 1 }, { timeoutMs: 100 });
      answers += await world.during(read.then(() => 1).catch(() => 0));
    }
    expect(answers).toBe(4);
  });

  it("says that a leader accepts writes, wherever it is asked", async () => {
    const { world } = await threeSchedulers();
    await world.advance(1_000);
    for (let number = 0; number < 3; number += 1) {
      const status = accepted(await world.ask("cluster.status", {}));
      expect(status).toMatchObject({ ready: true, leader: "one" });
    }
  });

  it("with a least sequence waits until the replica has come as far", async () => {
    const { world } = await threeSchedulers();
    const { seq } = accepted(await world.ask("workload.apply", submission(service("web"))));
    const ahead = world.client.request(
      "berth.api.workload.list",
      { v: 1, atLeastSeq: seq + 1 },
      { timeoutMs: 60_000 },
    );
    await world.advance(200);
    await world.ask("workload.apply", submission(service("other")));
    expect(await world.during(ahead)).toMatchObject({ ok: true, seq: seq + 1 });
  });

  it("with a least sequence that does not come in time is refused as behind", async () => {
    const { world } = await threeSchedulers();
    const reply = await world.askRaw("berth.api.workload.list", { v: 1, atLeastSeq: 1_000 });
    expect(reply).toMatchObject({ ok: false, error: { code: "behind", retryable: true } });
    expect(
      refusedWith(await world.askRaw("berth.api.workload.list", { v: 1, atLeastSeq: -1 })),
    ).toBe("invalid");
  });

  it("is refused by a replica that has lost touch with the log", async () => {
    const { world } = await threeSchedulers();
    world.lease.setAvailable(false);
    await world.advance(shellTimings.readStalenessMsMax + 2_000);
    expect(refusedWith(await world.ask("workload.list", {}))).toBe("not_leader");
  });
});
