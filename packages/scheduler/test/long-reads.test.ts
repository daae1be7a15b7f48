import { virtualClock } from "@berth/runtime/memory";
import type { Clock } from "@berth/runtime";
import { describe, expect, it } from "vitest";
import { shellLimits, shellTimings } from "../src/shell/limits.ts";
import { LongReads } from "../src/shell/long-reads.ts";
import {
  accepted,
  FakeAgent,
  leadersState,
  nodeId,
  refusedWith,
  service,
  shellWorld,
  submission,
} from "./shell-world.ts";

/** A clock on which every look at it takes some time, as work does. */
function busyClock(lookMs: number): { clock: Clock; advance: (byMs: number) => void } {
  const virtual = virtualClock();
  let workedMs = 0;
  const clock: Clock = {
    nowUnixMs: () => virtual.nowUnixMs(),
    monotonicMs: () => virtual.monotonicMs() + (workedMs += lookMs),
    after: (delayMs, run) => virtual.after(delayMs, run),
    every: (intervalMs, run) => virtual.every(intervalMs, run),
  };
  return { clock, advance: (byMs) => virtual.advance(byMs) };
}

function* work(name: string, parts: number, done: string[]): Generator<void, string> {
  for (let part = 1; part < parts; part += 1) {
    done.push(`${name}${part}`);
    yield;
  }
  done.push(`${name}${parts}`);
  return name;
}

describe("long reads", () => {
  it("take turns, each of a few parts, until all are answered", () => {
    const lookMs = shellTimings.longReadTurnMs / 2;
    const { clock, advance } = busyClock(lookMs);
    const reads = new LongReads(clock);
    const done: string[] = [];
    const answers: string[] = [];
    for (const name of ["a", "b"]) {
      reads.add(work(name, 5, done), {
        onDone: (answer) => answers.push(answer),
        onFailed: (cause) => expect.unreachable(String(cause)),
        onGivenUp: () => expect.unreachable("nobody gave it up"),
      });
    }
    expect(done).toEqual(["a1", "b1"]); // the first part of each is done at once
    advance(0);
    const turns = done.join("").replaceAll(/\d/g, "").slice(2);
    expect(turns).toMatch(/^(a{1,2})(b{1,2})(a{1,2})(b{1,2})/);
    advance(100);
    expect(answers.toSorted()).toEqual(["a", "b"]);
    expect(done).toHaveLength(10);
  });

  it("that fail, or are given up, say so and let the others go on", () => {
    const { clock, advance } = busyClock(shellTimings.longReadTurnMs);
    const reads = new LongReads(clock);
    const ends: string[] = [];
    const end = (name: string) => ({
      onDone: () => ends.push(`${name} done`),
      onFailed: () => ends.push(`${name} failed`),
      onGivenUp: () => ends.push(`${name} given up`),
    });
    const failing = work("x", 3, []);
    reads.add(
      {
        next() {
          const part = failing.next();
          if (part.done === true) throw new Error("a bug");
          return part;
        },
      },
      end("failing"),
    );
    reads.add(work("y", 2, []), end("short"));
    advance(10);
    expect(ends.toSorted()).toEqual(["failing failed", "short done"]);
    for (let n = 0; n < shellLimits.longReadsMax; n += 1) reads.add(work("z", 9, []), end("long"));
    expect(reads.isFull).toBe(true);
    reads.giveUpAll();
    expect(reads.isFull).toBe(false);
    expect(ends.slice(2)).toEqual(Array(shellLimits.longReadsMax).fill("long given up"));
  });
});

describe("a scheduler that is asked what would be", () => {
  async function running() {
    const world = shellWorld({ appendDelayMs: 20 });
    const scheduler = await world.leading();
    const agent = new FakeAgent(world.network.connect("agent"), nodeId(1));
    await world.during(agent.hello());
    await world.ask("workload.apply", submission(service("web", { count: 2 })));
    return { world, scheduler };
  }
  const lost = { hypothesis: { kind: "lose" as const, nodes: [nodeId(1)] } };

  it("answers from a copy, while others are served", async () => {
    const { world, scheduler } = await running();
    const { seq } = leadersState(scheduler);
    const answer = world.ask("cluster.whatif", lost);
    accepted(await world.ask("workload.apply", submission(service("api"))));
    const value = accepted(await answer);
    expect(value).toMatchObject({ seq, counts: { displaced: 2 }, waitingWorkloads: 1 });
    expect(value.tookMs).toBeGreaterThanOrEqual(0);
    const [node] = leadersState(scheduler).nodes.values();
    expect(node?.status).toBe("ready");
  });

  it("refuses mistakes in the question like any other read", async () => {
    const { world } = await running();
    const unknown = { hypothesis: { kind: "drain" as const, nodes: ["nowhere"] } };
    expect(refusedWith(await world.ask("cluster.whatif", unknown))).toBe("not_found");
    const nobody = await world.ask("cluster.rebalance", { workload: "nothing" });
    expect(refusedWith(nobody)).toBe("not_found");
  });

  it("plans moves the same way", async () => {
    const { world } = await running();
    expect(accepted(await world.ask("cluster.rebalance", {}))).toMatchObject({ moves: [] });
  });

  it("says nothing of a state that the log never got", async () => {
    const { world } = await running();
    const submitted = world.ask("workload.apply", submission(service("late")));
    const answer = world.ask("cluster.whatif", lost);
    world.log.setAvailable(false);
    expect(await answer).toMatchObject({ ok: false, error: { retryable: true } });
    world.log.setAvailable(true);
    await submitted;
  });
});
