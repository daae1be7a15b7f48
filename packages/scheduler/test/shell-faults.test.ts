import { MESSAGE_VERSION, type Reply, subjects } from "@berth/protocol";
import { type AppendFault, seededRandom } from "@berth/runtime/memory";
import { describe, expect, it } from "vitest";
import { stateHash } from "../src/core/index.ts";
import { replayLog } from "../src/shell/replay-log.ts";
import { FakeAgent, nodeId, requestId, service, shellWorld } from "./shell-world.ts";

const SUBMISSIONS = 30;
const FAULTS: readonly AppendFault[] = ["lost", "unanswered", "conflict", "full"];

/** A client that repeats its request, under the same id, until it is answered for good. */
async function submitUntilAccepted(
  world: ReturnType<typeof shellWorld>,
  name: string,
): Promise<unknown> {
  const body = { v: MESSAGE_VERSION, requestId: requestId(), workloads: [service(name)] };
  for (;;) {
    const reply = (await world.client
      .request(subjects.api("workload.apply"), body, { timeoutMs: 1_000 })
      .catch(() => null)) as Reply<unknown> | null;
    if (reply?.ok) return reply.value;
    if (reply !== null && !reply.error.retryable) throw new Error(reply.error.message);
    await new Promise<void>((resolve) => void world.clock.after(50, resolve));
  }
}

async function helloUntilAccepted(world: ReturnType<typeof shellWorld>, agent: FakeAgent) {
  while (!(await agent.hello().then(Boolean, () => false))) {
    await new Promise<void>((resolve) => void world.clock.after(50, resolve));
  }
}

describe("a scheduler whose log fails again and again", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "does each accepted submission exactly once, and agents end up with it [INV3] [INV10] (seed %i)",
    async (seed) => {
      const random = seededRandom(`faults ${seed}`);
      let isFaulty = true;
      const drawFault = () =>
        isFaulty && random.below(3) === 0 ? (FAULTS[random.below(FAULTS.length)] ?? null) : null;
      const world = shellWorld({ appendDelayMs: 3, drawFault });
      const scheduler = await world.leading();
      const agent = new FakeAgent(world.network.connect("agent"), nodeId(1));
      await world.during(helloUntilAccepted(world, agent));
      const beats = world.clock.every(1_000, () => agent.beat());
      const outages = world.clock.every(700, () => {
        world.log.setAvailable(false);
        world.clock.after(random.below(300), () => world.log.setAvailable(true));
      });
      const submissions: Promise<unknown>[] = [];
      for (let number = 0; number < SUBMISSIONS; number += 1) {
        submissions.push(submitUntilAccepted(world, `web-${number}`));
        await world.advance(random.below(60));
      }
      await world.during(Promise.all(submissions));
      outages.cancel();
      isFaulty = false;
      world.log.setAvailable(true);
      await world.until(() => scheduler.standing.mode === "leading");
      expect((await world.during(agent.desired())).allocations).toHaveLength(SUBMISSIONS);
      beats.cancel();
      const failures = world.logger.lines.filter(({ message }) => /append failed/.test(message));
      expect(failures.length).toBeGreaterThan(0);

      const { state } = await replayLog(world.log);
      expect(state.workloads.size).toBe(SUBMISSIONS);
      expect([...state.workloads.values()].every(({ version }) => version === 1)).toBe(true);
      if (scheduler.standing.mode !== "leading") throw new Error("it must lead");
      expect(stateHash(scheduler.standing.reign.state)).toBe(stateHash(state));
    },
  );
});
