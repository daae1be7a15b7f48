import { seededRandom } from "@berth/runtime/memory";
import { describe, expect, test } from "vitest";
import { Engine } from "./engine.ts";
import { CALM, Link } from "./link.ts";
import { matches, MessageModel } from "./message-model.ts";
import { ProcessClock, Timeline } from "./timeline.ts";

function world() {
  const timeline = new Timeline();
  const engine = new Engine();
  const model = new MessageModel();
  const client = (name: string) => {
    const clock = new ProcessClock(timeline);
    const link = new Link(name, { timeline, engine }, seededRandom(name));
    return { clock, link, bus: model.connect(link, clock) };
  };
  const pass = async (durationMs: number) => {
    const until = timeline.nowMs + durationMs;
    while (timeline.step(until)) await new Promise((resolve) => setImmediate(resolve));
  };
  return { engine, client, pass };
}

describe("the model of messages", () => {
  test("matches subjects by tokens, as the engine does", () => {
    const match = (pattern: string, subject: string) =>
      matches(pattern.split("."), subject.split("."));
    expect(match("a.*.c", "a.b.c")).toBe(true);
    expect(match("a.>", "a.b.c")).toBe(true);
    expect(match("a.>", "a")).toBe(false);
    expect(match("a.*", "a.b.c")).toBe(false);
  });

  test("gives everybody a copy, and each queue one", async () => {
    const { client, pass } = world();
    const seen: string[] = [];
    for (const name of ["a", "b"]) client(name).bus.subscribe("x", () => seen.push(name));
    for (const name of ["q1", "q2"]) {
      client(name).bus.subscribe("x", () => seen.push("q"), { queue: "q" });
    }
    client("sender").bus.publish("x", 1);
    await pass(100);
    expect(seen.toSorted()).toEqual(["a", "b", "q"]);
  });

  test("tells at once that nobody listens, and nothing when nobody answers", async () => {
    const { client, pass } = world();
    client("deaf").bus.subscribe("y", () => {});
    const { bus } = client("asker");
    const codes: unknown[] = [];
    for (const subject of ["x", "y"]) {
      bus.request(subject, 1, { timeoutMs: 500 }).catch(({ code }) => codes.push(code));
    }
    await pass(100);
    expect(codes).toEqual(["unreachable"]);
    await pass(1_000);
    expect(codes).toEqual(["unreachable", "timeout"]);
  });

  test("delivers in order in calm weather; in bad weather twice, late, or not at all", async () => {
    const { client, pass } = world();
    const seen: number[] = [];
    client("listener").bus.subscribe("x", ({ body }) => seen.push(body as number));
    const { bus, link } = client("sender");
    const numbers = Array.from({ length: 100 }, (_unused, i) => i);
    for (const number of numbers) bus.publish("x", number);
    await pass(100);
    expect(seen).toEqual(numbers);
    seen.length = 0;
    const bad = { lossPermille: 200, duplicatePermille: 200, reorderPermille: 200 };
    link.weather = { ...CALM, ...bad };
    for (const number of numbers) bus.publish("x", number);
    await pass(10_000);
    expect(new Set(seen).size).toBeLessThan(numbers.length);
    expect(seen.length).toBeGreaterThan(new Set(seen).size);
    expect(seen).not.toEqual(seen.toSorted((a, b) => a - b));
  });

  test("a client may be long in noticing that it is cut off, and notices a dead engine at once", () => {
    const { client, engine } = world();
    const { bus, link } = client("client");
    link.sever("there", false);
    expect(bus.status).toBe("connected");
    link.sever("there");
    expect(bus.status).toBe("disconnected");
    link.heal();
    engine.crash();
    expect(bus.status).toBe("disconnected");
    engine.restart();
    expect(bus.status).toBe("connected");
  });
});
