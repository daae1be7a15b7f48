import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  BerthError,
  type ClusterStatus,
  MESSAGE_VERSION,
  type Reply,
  subjects,
} from "@berth/protocol";
import { connectBus, type NatsBus } from "@berth/runtime/nats";
import { ensureNatsServer, type NatsServer, startNatsServer } from "@berth/runtime/nats-server";
import { percentile, progress, rounded } from "../cluster/statistics.ts";

export interface AcceptOptions {
  /** Submissions one after the other, for the time that one takes. */
  readonly alone: number;
  /** Submissions under way at once, over one connection, for the rate. */
  readonly inFlight: number;
  readonly durationMs: number;
}

/** How fast submissions become durable: the whole way from a client to the log and back. */
export interface AcceptMeasurement {
  readonly acceptP50Ms: number;
  readonly acceptP99Ms: number;
  readonly acceptedPerSecond: number;
  readonly inFlight: number;
  readonly natsServer: string;
}

const WARM_UP_MS = 2_000;
const READY_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 10_000;
const RETRY_WAIT_MS = 20;

/** A real nats-server and the built scheduler as its own process; submissions of one workload each. */
export async function measureAccept(options: AcceptOptions): Promise<AcceptMeasurement> {
  const home = mkdtempSync(join(tmpdir(), "berth-bench-accept-"));
  const { path, version } = await ensureNatsServer({ onProgress: progress });
  const server = await startNatsServer({ path, home });
  const scheduler = startScheduler(server);
  const bus = await connectBus({
    servers: server.url,
    name: "bench",
    seedFile: server.credentials.operator.seedFile,
  });
  try {
    await untilReady(bus);
    const submit = submitter(bus);
    const rate = await measureRate(submit, options);
    const times = await measureAlone(submit, options.alone);
    return {
      acceptP50Ms: rounded(percentile(times, 50), 2),
      acceptP99Ms: rounded(percentile(times, 99), 2),
      acceptedPerSecond: Math.round(rate),
      inFlight: options.inFlight,
      natsServer: version,
    };
  } finally {
    await bus.close();
    scheduler.kill("SIGTERM");
    if (scheduler.exitCode === null) await once(scheduler, "exit");
    await server.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

function startScheduler(server: NatsServer): ChildProcess {
  const main = fileURLToPath(import.meta.resolve("@berth/scheduler")).replace(
    /index\.js$/,
    "main.js",
  );
  const seedFile = server.credentials.scheduler.seedFile;
  const args = [main, "--server", server.url, "--credentials", seedFile];
  return spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
}

async function untilReady(bus: NatsBus): Promise<void> {
  const giveUpAtMs = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const reply = (await bus
      .request(subjects.api("cluster.status"), { v: MESSAGE_VERSION }, { timeoutMs: 1_000 })
      .catch(() => null)) as Reply<ClusterStatus> | null;
    if (reply?.ok && reply.value.ready) return;
    if (performance.now() > giveUpAtMs) throw new Error("the scheduler does not lead");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Submits one more workload and resolves when it is durable. */
function submitter(bus: NatsBus): () => Promise<void> {
  let submissions = 0;
  return async () => {
    submissions += 1;
    const name = `accept-${submissions}`;
    const body = {
      v: MESSAGE_VERSION,
      requestId: `bench-${name}`,
      workloads: [
        {
          kind: "batch",
          name,
          task: { command: ["sleep", "1"], env: { RUN: name } },
          resources: { cpu: "100m", memory: "64MiB" },
        },
      ],
    };
    while (!(await accepted(bus, body))) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_WAIT_MS));
    }
  };
}

/** False when it may be repeated, which is safe under the same request id. */
async function accepted(bus: NatsBus, body: object): Promise<boolean> {
  const timeoutMs = REQUEST_TIMEOUT_MS;
  const answer = await bus
    .request(subjects.api("workload.apply"), body, { timeoutMs })
    .catch(() => null);
  const reply = answer as Reply<unknown> | null;
  if (reply?.ok === false && !reply.error.retryable) throw BerthError.fromWire(reply.error);
  return reply?.ok ?? false;
}

/** As many lanes as may be in flight, each with one submission after the other. */
async function measureRate(
  submit: () => Promise<void>,
  { inFlight, durationMs }: AcceptOptions,
): Promise<number> {
  const startMs = performance.now() + WARM_UP_MS;
  const endMs = startMs + durationMs;
  let accepted = 0;
  const lane = async () => {
    while (performance.now() < endMs) {
      await submit();
      const nowMs = performance.now();
      if (nowMs >= startMs && nowMs < endMs) accepted += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return (accepted / durationMs) * 1_000;
}

async function measureAlone(submit: () => Promise<void>, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let run = 0; run < count; run += 1) {
    const sentMs = performance.now();
    await submit();
    times.push(performance.now() - sentMs);
  }
  return times;
}
