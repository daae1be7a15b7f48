import { allocationId, subjects } from "@berth/protocol";
import { describe, expect, it } from "vitest";
import { replayLog } from "../src/shell/replay-log.ts";
import {
  accepted,
  FakeAgent,
  leadersState,
  nodeDescription,
  nodeId,
  refusedWith,
  service,
  shellWorld,
  submission,
} from "./shell-world.ts";

describe("an agent", () => {
  it("that says hello is registered before it is answered", async () => {
    const world = shellWorld({ appendDelayMs: 30 });
    const scheduler = await world.leading();
    const agent = new FakeAgent(world.network.connect("agent"), nodeId(1));
    const reply = await world.during(agent.hello());
    expect(reply).toEqual({
      clusterId: leadersState(scheduler).clusterId,
      fence: { term: 1, generation: 0 },
      unlisted: [],
    });
    const { state } = await replayLog(world.log);
    expect([...state.nodes.keys()]).toEqual([agent.nodeId]);
  });

  it("of another cluster is refused", async () => {
    const world = shellWorld();
    await world.leading();
    const agent = new FakeAgent(world.network.connect("agent"), nodeId(1));
    const body = {
      description: nodeDescription(agent.nodeId),
      clusterId: "canothercluster",
      applied: null,
      allocations: [],
    };
    expect(refusedWith(await world.during(agent.ask("hello", body)))).toBe("wrong_cluster");
    const listing = { clusterId: "canothercluster", after: null };
    expect(refusedWith(await world.during(agent.ask("desired", listing)))).toBe("wrong_cluster");
  });

  it("that speaks for another node is refused and counted", async () => {
    const world = shellWorld();
    const scheduler = await world.leading();
    const agent = new FakeAgent(world.network.connect("agent"), nodeId(1));
    const reply = await world.during(
      agent.ask("hello", {
        nodeId: nodeId(2),
        description: nodeDescription(nodeId(2)),
        clusterId: null,
        applied: null,
        allocations: [],
      }),
    );
    expect(refusedWith(reply)).toBe("denied");
    expect(leadersState(scheduler).nodes.size).toBe(0);
    expect(world.logger.counts().get("agent.hello.impostor")).toBe(1);
  });

  it("that sends nonsense is counted, and nothing breaks", async () => {
    const world = shellWorld();
    await world.leading();
    const id = nodeId(1);
    for (const body of [null, 1, "beat", [], { v: 1 }, { v: 1, nodeId: id, sequence: -1 }]) {
      world.client.publish(subjects.agent(id, "beat"), body);
    }
    await world.until(() => (world.logger.counts().get("agent.beat.malformed") ?? 0) === 6);
    expect(accepted(await world.ask("cluster.status", {})).ready).toBe(true);
  });

  it("is told what to run, and its report is in the log before it is acknowledged", async () => {
    const world = shellWorld();
    await world.leading();
    const agent = new FakeAgent(world.network.connect("agent"), nodeId(1));
    const { fence } = await world.during(agent.hello());
    await world.ask("workload.apply", submission(service("web")));
    await world.until(() => agent.deltas.length > 0);
    expect(agent.deltas).toMatchObject([{ base: fence, add: [{ allocationId: "a1" }] }]);
    const running = {
      state: "running",
      allocationId: allocationId(1),
      startedAtUnixMs: world.clock.nowUnixMs(),
      pid: 4711,
      health: "none",
      message: null,
    };
    const reply = await world.during(agent.ask("report", { reports: [running] }));
    expect(accepted(reply)).toEqual({ unknown: [] });
    const { state } = await replayLog(world.log);
    expect(state.allocations.get(allocationId(1))).toMatchObject({ status: "running", pid: 4711 });
  });

  it("that missed a change is told to pull by its own beats", async () => {
    const world = shellWorld();
    await world.leading();
    const agent = new FakeAgent(world.network.connect("agent"), nodeId(1));
    agent.applied = (await world.during(agent.hello())).fence;
    await world.ask("workload.apply", submission(service("web")));
    await world.until(() => agent.deltas.length === 1);
    agent.beat();
    await world.advance(500);
    expect(agent.deltas).toHaveLength(1);
    await world.advance(1_000);
    agent.beat();
    await world.until(() => agent.deltas.length === 2);
    const [, hint] = agent.deltas;
    expect(hint).toMatchObject({ add: [], remove: [], base: hint?.fence });
    const listing = await world.during(agent.desired());
    expect(listing).toMatchObject({ fence: hint?.fence, allocations: [{ allocationId: "a1" }] });
    agent.applied = listing.fence;
    await world.advance(2_000);
    agent.beat();
    await world.advance(2_000);
    expect(agent.deltas).toHaveLength(2);
  });

  it("that falls silent is suspected, then down, and its work is moved", async () => {
    const world = shellWorld();
    const scheduler = await world.leading();
    const silent = new FakeAgent(world.network.connect("silent"), nodeId(1));
    await world.during(silent.hello());
    await world.ask("workload.apply", submission(service("web")));
    const spare = new FakeAgent(world.network.connect("spare"), nodeId(2));
    await world.during(spare.hello());
    const statusOf = () => leadersState(scheduler).nodes.get(silent.nodeId)?.status;
    const beats = world.clock.every(1_000, () => spare.beat());
    await world.until(() => statusOf() === "suspect");
    await world.until(() => statusOf() === "down");
    await world.until(() => spare.deltas.some(({ add }) => add.length === 1));
    expect(leadersState(scheduler).allocations.get(allocationId(1))?.status).toBe("lost");
    beats.cancel();
  });

  it("that the leader does not know is asked to say hello", async () => {
    const world = shellWorld();
    const scheduler = await world.leading();
    const agent = new FakeAgent(world.network.connect("agent"), nodeId(1));
    const { clusterId } = leadersState(scheduler);
    const reply = await world.during(agent.ask("desired", { clusterId, after: null }));
    expect(refusedWith(reply)).toBe("not_found");
  });

  it("whose beat nobody knows is asked to introduce itself", async () => {
    const world = shellWorld();
    await world.leading();
    const bus = world.network.connect("agent");
    const agent = new FakeAgent(bus, nodeId(1));
    let asked = 0;
    bus.subscribe(subjects.nodeIntroduce(nodeId(1)), () => void (asked += 1));
    agent.beat();
    await world.until(() => asked === 1);
    await world.during(agent.hello());
    agent.beat();
    await world.advance(100);
    expect(asked).toBe(1);
  });

  it("is read from the log, unanswered, while the disk is full, and repeats itself", async () => {
    const world = shellWorld();
    const scheduler = await world.leading();
    const agent = new FakeAgent(world.network.connect("agent"), nodeId(1));
    await world.during(agent.hello());
    world.log.setFull(true);
    await world.ask("workload.apply", submission(service("web")));
    await world.until(() => world.refusalOf(scheduler) === "log.full");
    expect((await world.during(agent.desired())).allocations).toEqual([]);
    const other = new FakeAgent(world.network.connect("other"), nodeId(2));
    await expect(world.during(other.hello())).rejects.toThrow(/log\.full/);
    world.log.setFull(false);
    await world.until(() => scheduler.standing.mode === "leading");
    await world.during(other.hello());
  });
});
