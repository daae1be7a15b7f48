import { describe, expect, it } from "vitest";
import {
  memoryLease,
  memoryLog,
  memoryNetwork,
  seededRandom,
  subjectMatches,
} from "../src/memory/index.ts";
import { nodeClock } from "../src/node/index.ts";
import { describeBus } from "./bus-contract.ts";
import { describeLease } from "./lease-contract.ts";
import { describeLog } from "./log-contract.ts";

describeBus("memory", async () => {
  const network = memoryNetwork({ clock: nodeClock });
  return {
    left: network.connect("left"),
    right: network.connect("right"),
    dispose: async () => {},
  };
});

describeLog("memory", async () => {
  const log = memoryLog({ clock: nodeClock });
  return { log, rival: log, dispose: async () => {} };
});

describeLease("memory", async () => {
  const lease = memoryLease({ clock: nodeClock, ttlMs: 300 });
  return { lease, rival: lease, dispose: async () => {} };
});

describe("a network in memory", () => {
  it("drops what a disconnected client publishes and fails what waits for an answer", async () => {
    const network = memoryNetwork({ clock: nodeClock });
    const [left, right] = [network.connect("left"), network.connect("right")];
    const seen: unknown[] = [];
    right.subscribe("berth.>", ({ body }) => seen.push(body));
    const waiting = left.request("berth.api.x", "sent", { timeoutMs: 60_000 });
    left.setConnected(false);
    await expect(waiting).rejects.toMatchObject({ code: "timeout" });
    left.publish("berth.api.x", "lost");
    left.setConnected(true);
    left.publish("berth.api.x", "back");
    await expect.poll(() => seen).toEqual(["sent", "back"]);
  });

  it("matches subjects token by token", () => {
    expect(subjectMatches("a.*.c", "a.b.c")).toBe(true);
    expect(subjectMatches("a.*", "a.b.c")).toBe(false);
    expect(subjectMatches("a.>", "a")).toBe(false);
    expect(subjectMatches("a.>", "a.b.c")).toBe(true);
    expect(subjectMatches("a.b.c", "a.b")).toBe(false);
  });
});

describe("a log in memory", () => {
  it("stores or does not store behind an ambiguous answer, as told", async () => {
    const log = memoryLog({ clock: nodeClock });
    log.failNext("lost", "unanswered", "full");
    expect((await log.append(new Uint8Array(1), 0)).result).toBe("ambiguous");
    expect(log.entries()).toHaveLength(0);
    expect((await log.append(new Uint8Array(1), 0)).result).toBe("ambiguous");
    expect(log.entries()).toHaveLength(1);
    expect((await log.append(new Uint8Array(1), 1)).result).toBe("full");
    expect(log.entries()).toHaveLength(1);
  });
});

describe("seeded chance", () => {
  it("draws the same for the same seed and differently for another", () => {
    const draw = (seed: string) => seededRandom(seed).token(32);
    expect(draw("a")).toBe(draw("a"));
    expect(draw("a")).not.toBe(draw("b"));
  });

  it("spreads its draws evenly", () => {
    const random = seededRandom("even");
    const counts = Array.from({ length: 10 }, () => 0);
    for (let draw = 0; draw < 100_000; draw += 1) {
      const drawn = random.below(10);
      counts[drawn] = (counts[drawn] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });
});
