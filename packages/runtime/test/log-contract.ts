import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Log, StoredEntry } from "../src/ports.ts";
import { until } from "./until.ts";

export interface LogUnderTest {
  readonly log: Log;
  /** Another writer of the same log. */
  readonly rival: Log;
  dispose(): Promise<void>;
}

/** What every `Log` does. */
export function describeLog(name: string, make: () => Promise<LogUnderTest>): void {
  describe(`a log (${name})`, () => {
    let log: Log;
    let rival: Log;
    let dispose: () => Promise<void>;
    beforeEach(async () => {
      ({ log, rival, dispose } = await make());
    });
    afterEach(() => dispose());

    it("is empty at first: from 1 to 0", async () => {
      expect(await log.bounds()).toEqual({ first: 1, last: 0 });
      expect(await readAll(log, 1)).toEqual([]);
    });

    it("appends at the sequence after the expected one and reads the same bytes back", async () => {
      expect(await log.append(bytes("one"), 0)).toEqual({ result: "appended", seq: 1 });
      expect(await log.append(bytes("two"), 1)).toEqual({ result: "appended", seq: 2 });
      expect(await log.bounds()).toEqual({ first: 1, last: 2 });
      expect(await readAll(log, 1)).toEqual([
        [1, "one"],
        [2, "two"],
      ]);
      expect(await readAll(log, 2)).toEqual([[2, "two"]]);
      expect(await readAll(log, 3)).toEqual([]);
    });

    it("refuses an append that expects another last sequence, and stores nothing", async () => {
      await log.append(bytes("one"), 0);
      expect(await rival.append(bytes("late"), 0)).toEqual({ result: "conflict" });
      expect(await rival.append(bytes("early"), 5)).toEqual({ result: "conflict" });
      expect(await readAll(log, 1)).toEqual([[1, "one"]]);
    });

    it("lets exactly one of several racing writers win each sequence", async () => {
      for (let expected = 0; expected < 20; expected += 1) {
        const racers = [log, rival, log, rival].map((writer, number) =>
          writer.append(bytes(`${expected}.${number}`), expected),
        );
        const results = await Promise.all(racers);
        expect(results.filter(({ result }) => result === "appended")).toHaveLength(1);
        expect(results.filter(({ result }) => result === "conflict")).toHaveLength(3);
      }
      expect(await log.bounds()).toEqual({ first: 1, last: 20 });
    });

    it("takes appends one after the other without waiting for the answers", async () => {
      const appends = Array.from({ length: 50 }, (_, at) => log.append(bytes(`${at}`), at));
      const results = await Promise.all(appends);
      expect(results.map((result) => result.result === "appended" && result.seq)).toEqual(
        Array.from({ length: 50 }, (_, at) => at + 1),
      );
    });

    it("reads a long log whole and in order", async () => {
      const count = 1_000;
      await Promise.all(
        Array.from({ length: count }, (_, at) => log.append(bytes(`entry ${at + 1}`), at)),
      );
      const entries = await readAll(log, 1);
      expect(entries).toHaveLength(count);
      expect(entries.every(([seq, text], at) => seq === at + 1 && text === `entry ${seq}`)).toBe(
        true,
      );
    });

    it("tails what is there and what comes, in order and once each", async () => {
      await log.append(bytes("one"), 0);
      await log.append(bytes("two"), 1);
      const seen: [number, string][] = [];
      const tail = log.tail(2, (entry) => seen.push(show(entry)), fail);
      await until("the stored one came", () => seen.length === 1);
      await rival.append(bytes("three"), 2);
      await until("the new one came", () => seen.length === 2);
      expect(seen).toEqual([
        [2, "two"],
        [3, "three"],
      ]);
      tail.unsubscribe();
      await log.append(bytes("four"), 3);
      expect(await readAll(log, 4)).toEqual([[4, "four"]]);
      expect(seen).toHaveLength(2);
    });

    it("ends a tail and says so when the entry it should go on with cannot exist", async () => {
      await log.append(bytes("one"), 0);
      let cause: unknown = null;
      log.tail(5, fail, (gap) => {
        cause = gap;
      });
      await until("the gap was told", () => cause !== null);
    });
  });
}

function fail(): never {
  throw new Error("must not be called");
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function show({ seq, bytes }: StoredEntry): [number, string] {
  return [seq, new TextDecoder().decode(bytes)];
}

export async function readAll(log: Log, fromSeq: number): Promise<[number, string][]> {
  const entries: [number, string][] = [];
  for await (const entry of log.read(fromSeq)) entries.push(show(entry));
  return entries;
}
