import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Bus, Message } from "../src/ports.ts";
import { until } from "./until.ts";

export interface BusUnderTest {
  readonly left: Bus;
  readonly right: Bus;
  dispose(): Promise<void>;
}

/** What every `Bus` does. `left` and `right` are two clients of the same server. */
export function describeBus(name: string, make: () => Promise<BusUnderTest>): void {
  describe(`a bus (${name})`, () => {
    let left: Bus;
    let right: Bus;
    let dispose: () => Promise<void>;
    beforeEach(async () => {
      ({ left, right, dispose } = await make());
    });
    afterEach(() => dispose());

    /** Subscribes and waits until the server knows: a request then finds it. */
    async function listen(bus: Bus, subject: string, handle: (message: Message) => void) {
      const subscription = bus.subscribe(subject, handle);
      const probe = `berth.api.probe-${subject.length}`;
      const probed = bus.subscribe(probe, ({ respond }) => respond?.(true));
      await bus.request(probe, null, { timeoutMs: 5_000 });
      probed.unsubscribe();
      return subscription;
    }

    it("delivers JSON to all who listen, in the order of publishing", async () => {
      const seen: unknown[] = [];
      await listen(right, "berth.api.order", ({ body }) => seen.push(body));
      for (let number = 0; number < 100; number += 1) left.publish("berth.api.order", { number });
      await until("all arrived", () => seen.length === 100);
      expect(seen).toEqual(Array.from({ length: 100 }, (_, number) => ({ number })));
    });

    it("never delivers within the call that publishes", async () => {
      let isDelivered = false;
      await listen(left, "berth.api.later", () => {
        isDelivered = true;
      });
      left.publish("berth.api.later", 1);
      expect(isDelivered).toBe(false);
      await until("it arrived", () => isDelivered);
    });

    it("hands a message to one of each queue and to all outside of queues", async () => {
      const counts = { left: 0, right: 0, aside: 0 };
      const join = async (bus: Bus, name: "left" | "right") => {
        bus.subscribe("berth.api.queued", () => void (counts[name] += 1), { queue: "readers" });
        await listen(bus, `berth.api.ready-${name}`, () => {});
      };
      await join(left, "left");
      await join(right, "right");
      await listen(right, "berth.api.queued", () => void (counts.aside += 1));
      for (let number = 0; number < 100; number += 1) left.publish("berth.api.queued", number);
      await until("all arrived", () => counts.aside === 100 && counts.left + counts.right === 100);
      expect(Math.min(counts.left, counts.right)).toBeGreaterThan(0);
    });

    it("matches one token with * and the rest with >", async () => {
      const seen: string[] = [];
      await listen(right, "berth.agent.*.beat", ({ subject }) => seen.push(`* ${subject}`));
      await listen(right, "berth.agent.a.>", ({ subject }) => seen.push(`> ${subject}`));
      left.publish("berth.agent.a.beat", null);
      left.publish("berth.agent.b.usage", null);
      left.publish("berth.agent.b.beat", null);
      await until("both arrived", () => seen.length === 3);
      expect(seen.sort()).toEqual([
        "* berth.agent.a.beat",
        "* berth.agent.b.beat",
        "> berth.agent.a.beat",
      ]);
    });

    it("answers a request with the first answer only", async () => {
      await listen(right, "berth.api.twice", ({ body, respond }) => {
        respond?.({ first: body });
        respond?.({ second: body });
      });
      const answer = await left.request("berth.api.twice", { a: 1 }, { timeoutMs: 5_000 });
      expect(answer).toEqual({ first: { a: 1 } });
    });

    it("gives no way to answer a message that asks for none", async () => {
      const seen: (Message["respond"] | undefined)[] = [];
      await listen(right, "berth.api.silent", ({ respond }) => seen.push(respond));
      left.publish("berth.api.silent", 1);
      await until("it arrived", () => seen.length === 1);
      expect(seen).toEqual([null]);
    });

    it("rejects a request as unreachable when nobody listens", async () => {
      await expect(
        left.request("berth.api.nobody", {}, { timeoutMs: 5_000 }),
      ).rejects.toMatchObject({ name: "BerthError", code: "unreachable", retryable: true });
    });

    it("rejects a request that stays unanswered with a timeout", async () => {
      await listen(right, "berth.api.mute", () => {});
      await expect(left.request("berth.api.mute", {}, { timeoutMs: 30 })).rejects.toMatchObject({
        name: "BerthError",
        code: "timeout",
      });
    });

    it("keeps a subscription whose handler throws", async () => {
      const seen: unknown[] = [];
      await listen(right, "berth.api.throws", ({ body }) => {
        seen.push(body);
        throw new Error("a bug in a handler");
      });
      left.publish("berth.api.throws", 1);
      left.publish("berth.api.throws", 2);
      await until("both arrived", () => seen.length === 2);
    });

    it("delivers nothing after unsubscribing", async () => {
      const seen: unknown[] = [];
      const subscription = await listen(right, "berth.api.gone", ({ body }) => seen.push(body));
      subscription.unsubscribe();
      await listen(right, "berth.api.after", ({ body }) => seen.push(body));
      left.publish("berth.api.gone", "gone");
      left.publish("berth.api.after", "after");
      await until("the later one arrived", () => seen.length > 0);
      expect(seen).toEqual(["after"]);
    });

    it("tells its status and sends nothing once closed", async () => {
      const statuses: string[] = [];
      left.onStatus((status) => statuses.push(status));
      expect(left.status).toBe("connected");
      await left.close();
      expect(left.status).toBe("closed");
      expect(statuses).toEqual(["closed"]);
      left.publish("berth.api.any", 1);
      await expect(left.request("berth.api.any", 1, { timeoutMs: 50 })).rejects.toMatchObject({
        code: "unreachable",
      });
    });
  });
}
