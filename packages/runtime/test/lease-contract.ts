import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Lease } from "../src/ports.ts";
import { until } from "./until.ts";

export interface LeaseUnderTest {
  readonly lease: Lease;
  /** Another candidate for the same lease. */
  readonly rival: Lease;
  dispose(): Promise<void>;
}

/** What every `Lease` does. Its time to live is short, so that waiting for its end is, too. */
export function describeLease(name: string, make: () => Promise<LeaseUnderTest>): void {
  describe(`a lease (${name})`, () => {
    let lease: Lease;
    let rival: Lease;
    let dispose: () => Promise<void>;
    beforeEach(async () => {
      ({ lease, rival, dispose } = await make());
    });
    afterEach(() => dispose());

    it("is free at first", async () => {
      expect(await lease.observe()).toEqual({ seq: 0, body: null });
    });

    it("is taken by a put at the expected sequence, and seen by others", async () => {
      expect(await lease.put({ holder: "one" }, 0)).toEqual({ result: "stored", seq: 1 });
      expect(await rival.observe()).toEqual({ seq: 1, body: { holder: "one" } });
    });

    it("is renewed by its holder and refused to whoever expects another sequence", async () => {
      await lease.put({ holder: "one" }, 0);
      expect(await rival.put({ holder: "two" }, 0)).toEqual({ result: "conflict" });
      expect(await rival.put({ holder: "two" }, 7)).toEqual({ result: "conflict" });
      expect(await lease.put({ holder: "one", renewed: true }, 1)).toEqual({
        result: "stored",
        seq: 2,
      });
      expect(await rival.observe()).toEqual({ seq: 2, body: { holder: "one", renewed: true } });
    });

    it("goes to exactly one of several who try at once", async () => {
      for (let expected = 0; expected < 20; expected += 1) {
        const racers = [lease, rival, lease, rival].map((candidate, number) =>
          candidate.put({ number }, expected),
        );
        const results = await Promise.all(racers);
        expect(results.filter(({ result }) => result === "stored")).toHaveLength(1);
        expect(results.filter(({ result }) => result === "conflict")).toHaveLength(3);
      }
    });

    it("is forgotten when nobody renews it, and its sequence is not", async () => {
      await lease.put({ holder: "one" }, 0);
      let body: unknown = "unseen";
      await until("it was forgotten", async () => {
        ({ body } = await rival.observe());
        return body === null;
      });
      expect(await rival.observe()).toEqual({ seq: 1, body: null });
      expect(await rival.put({ holder: "two" }, 0)).toEqual({ result: "conflict" });
      expect(await rival.put({ holder: "two" }, 1)).toEqual({ result: "stored", seq: 2 });
    });
  });
}
