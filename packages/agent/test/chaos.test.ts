import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type ClusterId, type DesiredAllocation, NodeId } from "@berth/protocol";
import { seededRandom } from "@berth/runtime/memory";
import { connectBus, type NatsBus } from "@berth/runtime/nats";
import { ensureNatsServer, type NatsServer, startNatsServer } from "@berth/runtime/nats-server";
import { nodeRandom } from "@berth/runtime/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stopAllTasks } from "../src/index.ts";
import { HostCgroups } from "../src/shell/exec/host-cgroups.ts";
import { ProcessTable } from "../src/shell/process-table.ts";
import { AgentProcess, buildAgent } from "./support/agent-process.ts";
import { desiredAllocation } from "./support/desired-allocation.ts";
import { whyNot } from "./support/exec-host.ts";
import { FakeLeader } from "./support/fake-leader.ts";
import { until } from "./support/until.ts";

const KILLS = 24;
const table = new ProcessTable();
const random = seededRandom("kills");
const clusterId = `c${nodeRandom.token(16)}` as ClusterId;

let home: string;
let server: NatsServer;
let bus: NatsBus;
let leader: FakeLeader;
let agent: AgentProcess | null = null;

beforeAll(async () => {
  buildAgent();
  home = mkdtempSync(path.join(tmpdir(), "berth-chaos-"));
  const { path: program } = await ensureNatsServer();
  server = await startNatsServer({ path: program, home });
  const { seedFile } = server.credentials.scheduler;
  bus = await connectBus({ servers: server.url, name: "leader", seedFile });
  leader = new FakeLeader(bus, NodeId.parse(server.credentials.agent.publicKey), clusterId);
});
afterAll(async () => {
  await agent?.end("SIGKILL");
  await stopAllTasks(path.join(home, "agent"));
  expect(livingMarks()).toEqual([]);
  expect(groups()).toEqual([]);
  await bus.close();
  await server.stop();
  rmSync(home, { recursive: true, force: true });
});

function startAgent(): AgentProcess {
  const { seedFile } = server.credentials.agent;
  return new AgentProcess({
    server: server.url,
    credentials: seedFile,
    state: path.join(home, "agent"),
  });
}
function livingMarks(): string[] {
  const { rows, markOf } = table.snapshot();
  const marks = rows.filter((row) => row.state !== "Z").map((row) => markOf(row) ?? "");
  return [...new Set(marks)].filter((mark) => mark.startsWith(`${clusterId}/`)).sort();
}
/** Each task writes a line when it starts: no line is a lost task, two are a doubled one. */
function startsOf(id: string): number {
  const file = path.join(home, `${id}.starts`);
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : 0;
}
/** Every other one in a control group, where this machine lets us make some. */
function driverOf(id: string): DesiredAllocation["task"]["driver"] {
  return whyNot() === null && Number(id.slice(1)) % 2 === 0 ? "exec" : "process";
}
/** Control groups of this cluster that are there. */
function groups(): string[] {
  const found = HostCgroups.find().names();
  return found
    .flatMap((name) => new RegExp(`\\.${clusterId}\\.(a\\d+)$`).exec(name)?.[1] ?? [])
    .sort();
}
function stays(id: string): DesiredAllocation {
  const command = ["sh", "-c", `echo start >>${home}/${id}.starts; exec sleep 300`];
  return desiredAllocation({ id, driver: driverOf(id), command, graceMs: 500 });
}
function ends(id: string): DesiredAllocation {
  const script = `echo start >>${home}/${id}.starts; sleep 0.0${random.below(9)}; exit 3`;
  return desiredAllocation({ id, driver: driverOf(id), command: ["sh", "-c", script] });
}

test(`an agent killed ${KILLS} times during starts and stops neither doubles nor loses a task (invariant 6)`, async () => {
  const staying = new Set<string>();
  const removed = new Set<string>();
  const ending = new Set<string>();
  let next = 1;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const hellos = leader.hellos.length;
    agent = startAgent();
    // Some are killed before they have joined, some after, at any moment of what follows.
    if (kill % 4 !== 3) await until("it has joined", () => leader.hellos.length > hellos);
    const add = [];
    for (let count = 0; count < 3; count += 1, next += 1) {
      add.push(stays(`a${next}`));
      staying.add(`a${next}`);
    }
    add.push(ends(`a${next}`));
    ending.add(`a${next}`);
    next += 1;
    const remove = [...staying].filter(() => random.below(4) === 0);
    for (const id of remove) {
      staying.delete(id);
      removed.add(id);
    }
    leader.change(add, remove);
    await new Promise((resolve) => setTimeout(resolve, random.below(80)));
    await agent.end("SIGKILL");
  }

  agent = startAgent();
  const finished = (id: string) => leader.latest(id)?.state === "finished";
  await until("what is desired runs", () => [...staying].every((id) => startsOf(id) > 0));
  await until("what is to end has ended", () => [...ending].every(finished));
  await until("what was removed has ended, or was never there", () =>
    [...removed].every((id) => finished(id) || startsOf(id) === 0),
  );
  await until("only what is desired is left", () => livingMarks().length === staying.size);

  const doubled = [...staying, ...removed, ...ending].filter((id) => startsOf(id) > 1);
  const lost = [...staying, ...ending].filter((id) => startsOf(id) === 0);
  expect({ doubled, lost }).toEqual({ doubled: [], lost: [] });
  expect(livingMarks()).toEqual([...staying].map((id) => `${clusterId}/${id}`).sort());
  expect(groups()).toEqual([...staying].filter((id) => driverOf(id) === "exec").sort());
  for (const id of ending) {
    expect(leader.latest(id)).toMatchObject({ outcome: "failed", exit: { kind: "code", code: 3 } });
  }
});

test("a second agent on the same state folder refuses", async () => {
  agent ??= startAgent();
  await until("the first has the folder", () => existsSync(path.join(home, "agent", "agent.lock")));
  const second = startAgent();
  await until("it ends", () => second.exitCode !== null);
  expect(second.exitCode).toBe(1);
  expect(second.log).toMatch(/is using the state folder/);
});

test("SIGTERM ends the agent in order and leaves the tasks running", async () => {
  const before = livingMarks();
  expect(before.length).toBeGreaterThan(0);
  await agent?.end("SIGTERM");
  expect(agent?.exitCode).toBe(0);
  expect(livingMarks()).toEqual(before);
  expect(existsSync(path.join(home, "agent", "agent.lock"))).toBe(false);
});
