import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type ApiMethod,
  type ApiReply,
  type ApiRequest,
  type BerthError,
  MESSAGE_VERSION,
  type NodeId,
  type Reply,
  subjects,
} from "@berth/protocol";
import { memoryLogger } from "@berth/runtime/memory";
import { connectBus, type NatsBus, natsLog } from "@berth/runtime/nats";
import { ensureNatsServer, type NatsServer, startNatsServer } from "@berth/runtime/nats-server";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { stateHash } from "../src/core/index.ts";
import { runScheduler } from "../src/index.ts";
import { replayLog } from "../src/shell/replay-log.ts";
import { accepted, FakeAgent, requestId, service } from "./shell-world.ts";

const program = await ensureNatsServer({ useSystemPackages: false }).then(
  ({ path }) => path,
  () => null,
);
const LEADS = { timeout: 15_000, interval: 10 };

describe.skipIf(program === null)("a scheduler over a real nats-server", () => {
  let home: string;
  let server: NatsServer;
  let operator: NatsBus;
  let agentBus: NatsBus;
  let agent: FakeAgent;
  let stops: (() => Promise<unknown>)[];

  beforeEach(async () => {
    stops = [];
    home = await mkdtemp(join(tmpdir(), "berth-scheduler-test-"));
    server = await startNatsServer({ path: program ?? "", home });
    operator = await join_("operator");
    agentBus = await join_("agent");
    agent = new FakeAgent(agentBus, server.credentials.agent.publicKey as NodeId);
  });
  afterEach(async () => {
    for (const stop of stops.reverse()) await stop();
    await Promise.all([operator.close(), agentBus.close()]);
    await server.stop();
    await rm(home, { recursive: true, force: true });
  });

  const join_ = (role: "operator" | "agent" | "scheduler") =>
    connectBus({
      servers: server.url,
      name: role,
      seedFile: server.credentials[role].seedFile,
      reconnectWaitMs: 20,
      reconnectJitterMs: 10,
    });

  function startHere(): { stop: () => Promise<void> } {
    const stop = new AbortController();
    const credentials = server.credentials.scheduler.seedFile;
    const running = runScheduler({
      server: server.url,
      credentials,
      stop: stop.signal,
      logger: memoryLogger(),
    });
    const handle = {
      stop: async () => {
        stop.abort();
        await running;
      },
    };
    stops.push(handle.stop);
    return handle;
  }

  /** Repeats a request until something answers it with more than "not now". */
  async function ask<M extends ApiMethod>(method: M, params: ApiRequest<M>) {
    let reply: Reply<ApiReply<M>> | null = null;
    await expect
      .poll(async () => {
        const body = { v: MESSAGE_VERSION, ...params };
        reply = (await operator
          .request(subjects.api(method), body, { timeoutMs: 5_000 })
          .catch((cause: BerthError) => ({ ok: false, error: cause.toWire() }))) as typeof reply;
        return reply?.ok === true || reply?.error.retryable === false;
      }, LEADS)
      .toBe(true);
    return accepted(reply as unknown as Reply<ApiReply<M>>);
  }

  /** Until some scheduler leads: others answer reads before. */
  async function untilReady() {
    await expect.poll(async () => (await ask("cluster.status", {})).ready, LEADS).toBe(true);
    return ask("cluster.status", {});
  }

  async function recordedState() {
    const bus = await join_("scheduler");
    const { state } = await replayLog(natsLog(bus));
    await bus.close();
    return state;
  }

  const submission = (name: string) => ({ requestId: requestId(), workloads: [service(name)] });

  it("places a submission and tells the agent within 100 ms", async () => {
    startHere();
    await untilReady();
    agent.applied = (await agent.hello()).fence;
    const tookMs: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      const startMs = performance.now();
      await ask("workload.apply", submission(`web-${round}`));
      await expect.poll(() => agent.deltas.length, LEADS).toBe(round + 1);
      tookMs.push(performance.now() - startMs);
    }
    expect(tookMs.sort((a, b) => a - b)[10]).toBeLessThan(100);
    expect(agent.deltas.flatMap(({ add }) => add)).toHaveLength(20);
  });

  it("goes on after a restart with the same state [INV3] [INV4]", async () => {
    const first = startHere();
    await untilReady();
    await agent.hello();
    const request = submission("web");
    const answer = await ask("workload.apply", request);
    await first.stop();
    const before = stateHash(await recordedState());
    startHere();
    const status = await untilReady();
    expect(status).toMatchObject({ ready: true, term: 2, workloads: 1 });
    expect(await ask("workload.apply", request)).toEqual(answer);
    expect(stateHash(await recordedState())).not.toBe(before);
    expect((await recordedState()).workloads.size).toBe(1);
  });

  it("goes on by itself after nats-server is killed and comes back", async () => {
    startHere();
    await ask("workload.apply", submission("before"));
    process.kill(server.pid, "SIGKILL");
    await server.exited;
    server = await startNatsServer({ path: program ?? "", home, port: server.port });
    const { workloads } = await ask("workload.list", {});
    expect(workloads.map(({ id }) => id)).toEqual(["default/before"]);
    await ask("workload.apply", submission("after"));
    expect((await recordedState()).workloads.size).toBe(2);
  });

  it("loses no acknowledged submission when its process is killed under load [INV3]", async () => {
    const acknowledged: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const child = await startProcess();
      await untilReady();
      const wanted = acknowledged.length + 10;
      const submissions = Array.from({ length: 200 }, async (_, number) => {
        const name = `web-${round}-${number}`;
        const body = { v: MESSAGE_VERSION, ...submission(name) };
        const reply = (await operator
          .request(subjects.api("workload.apply"), body, { timeoutMs: 1_000 })
          .catch(() => null)) as Reply<unknown> | null;
        if (reply?.ok) acknowledged.push(`default/${name}`);
        if (acknowledged.length >= wanted) child.kill("SIGKILL");
      });
      await once(child, "exit");
      await Promise.all(submissions);
      expect(acknowledged.length).toBeGreaterThanOrEqual(wanted);
    }
    const { workloads } = await recordedState();
    expect([...workloads.keys()]).toEqual(expect.arrayContaining(acknowledged));
  });

  it("ends when its supervisor is gone", async () => {
    const child = await startProcess();
    await untilReady();
    child.stdin?.destroy();
    const [code] = await once(child, "exit");
    expect(code).toBe(0);
  });

  /** The scheduler as its own process, as built, with a supervisor's pipe. */
  async function startProcess(): Promise<ChildProcess> {
    const entry = fileURLToPath(new URL("../dist/main.js", import.meta.url));
    const seedFile = server.credentials.scheduler.seedFile;
    const child = spawn(
      process.execPath,
      [entry, "--server", server.url, "--credentials", seedFile],
      { stdio: ["pipe", "ignore", "inherit"], env: { ...process.env, BERTH_SUPERVISED: "1" } },
    );
    stops.push(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    });
    return child;
  }
});
