import type { AppendResult } from "@berth/runtime/ports";
import { seededRandom } from "@berth/runtime/memory";
import { describe, expect, test } from "vitest";
import { Engine } from "./engine.ts";
import { Link } from "./link.ts";
import { simulatedLog, StreamModel } from "./stream-model.ts";
import { ProcessClock, Timeline } from "./timeline.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function world() {
  const timeline = new Timeline();
  const engine = new Engine();
  const random = seededRandom("stream");
  const stream = new StreamModel({ timeline, engine }, random);
  const clock = new ProcessClock(timeline);
  const link = new Link("client", { timeline, engine }, random);
  const log = simulatedLog(stream, link, clock);
  const pass = async (durationMs: number) => {
    const until = timeline.nowMs + durationMs;
    while (timeline.step(until)) await new Promise((resolve) => setImmediate(resolve));
  };
  const settle = async (append: Promise<AppendResult>) => {
    let result: AppendResult | null = null;
    void append.then((outcome) => (result = outcome));
    await pass(5_000);
    return result;
  };
  return { engine, stream, link, log, pass, settle };
}

describe("the model of the stream", () => {
  test("stores only what follows on the sequence that was expected", async () => {
    const { log, settle, stream } = world();
    expect(await settle(log.append(bytes("a"), 0))).toEqual({ result: "appended", seq: 1 });
    expect(await settle(log.append(bytes("b"), 0))).toEqual({ result: "conflict" });
    expect(stream.bounds).toEqual({ first: 1, last: 1 });
  });

  test("may store an entry long after its sender has given up", async () => {
    const { log, settle, stream, pass } = world();
    stream.stallMaxMs = 60_000;
    expect(await settle(log.append(bytes("a"), 0))).toMatchObject({ result: "ambiguous" });
    expect(stream.bounds.last).toBe(0);
    await pass(60_000);
    expect(stream.bounds.last).toBe(1);
  });

  test("may store an entry and lose the answer", async () => {
    const { log, settle, stream } = world();
    stream.lostAnswersPermille = 1_000;
    expect(await settle(log.append(bytes("a"), 0))).toMatchObject({ result: "ambiguous" });
    expect(stream.bounds.last).toBe(1);
  });

  test("loses with the engine what the engine had not finished, and nothing that it stored", async () => {
    const { engine, log, settle, stream, pass } = world();
    await settle(log.append(bytes("a"), 0));
    stream.stallMaxMs = 60_000;
    const append = log.append(bytes("b"), 1);
    await pass(10);
    engine.crash();
    engine.restart();
    expect(await settle(append)).toMatchObject({ result: "ambiguous" });
    await pass(60_000);
    expect(stream.bounds.last).toBe(1);
  });

  test("goes on with a tail after a cut where it was, without a gap and without a repetition", async () => {
    const { link, log, settle, stream, pass } = world();
    const seen: number[] = [];
    log.tail(
      1,
      ({ seq }) => seen.push(seq),
      () => seen.push(-1),
    );
    await settle(log.append(bytes("a"), 0));
    link.sever("back", false);
    stream.receive(bytes("b"), 1, () => {});
    stream.receive(bytes("c"), 2, () => {});
    await pass(1_000);
    expect(seen).toEqual([1]);
    link.heal();
    await pass(1_000);
    expect(seen).toEqual([1, 2, 3]);
  });
});
