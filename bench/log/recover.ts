import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { allocationId, type ClusterEvent, LOG_VERSION, type LogEntry } from "@berth/protocol";
import { type AppendResult, hashEntry, loggerTo, type Log, NO_ENTRY_HASH } from "@berth/runtime";
import {
  connectBus,
  ensureLogStream,
  ensureSnapshotStream,
  type NatsBus,
  natsLog,
  natsSnapshots,
} from "@berth/runtime/nats";
import { ensureNatsServer, type NatsServer, startNatsServer } from "@berth/runtime/nats-server";
import { recoverState } from "@berth/scheduler/recovery";
import { runRoundInThread } from "@berth/scheduler/snapshots";
import { progress, rounded } from "../cluster/statistics.ts";
import { type LargeCluster, largeLog } from "./large-log.ts";

export interface RecoverOptions extends LargeCluster {
  /** Entries after the snapshot: as many as make the next one due. */
  readonly tailEntries: number;
  readonly eventsPerTailEntry: number;
}

export interface RecoverMeasurement {
  /** In a new process, from the connection to the state after the last entry. */
  readonly recoverMs: number;
  /** Processor time of that, all threads: what a busy machine stretches. */
  readonly recoverCpuMs: number;
  readonly recoverPeakMiB: number;
  readonly tailEntries: number;
  readonly tailMiB: number;
  /** A whole round in its thread: recovering the log, writing, reading back, copying. */
  readonly snapshotRoundMs: number;
  /** The longest that the deciding thread was kept from its turn meanwhile. */
  readonly snapshotStallMs: number;
}

const APPENDS_UNDER_WAY_MAX = 64;

/**
 * A log of a large cluster in a real nats-server, a snapshot of it taken as a leader has it taken, a
 * tail after it, and then a new process that recovers from both.
 */
export async function measureRecover(options: RecoverOptions): Promise<RecoverMeasurement> {
  const home = mkdtempSync(join(tmpdir(), "berth-bench-recover-"));
  const { path } = await ensureNatsServer({ onProgress: progress });
  const server = await startNatsServer({ path, home });
  const bus = await connect(server.url, server.credentials.scheduler.seedFile);
  try {
    await ensureLogStream(bus);
    await ensureSnapshotStream(bus);
    const writer = new LogWriter(natsLog(bus));
    for (const text of largeLog(options)) await writer.append(JSON.parse(text) as LogEntry);
    await writer.settle();
    progress(`wrote ${writer.entries} entries, ${Math.round(writer.bytes / 2 ** 20)} MiB`);
    const round = await measureRound(server, join(home, "snapshots"));
    const before = writer.bytes;
    for (const events of tail(options)) {
      await writer.append({ v: LOG_VERSION, term: 1, atUnixMs: 0, previous: "", events });
    }
    await writer.settle();
    const recovered = await recoverInProcess(server);
    if (recovered.lastSeq !== writer.entries) throw new Error("not all of the log was recovered");
    return {
      recoverMs: Math.round(recovered.tookMs),
      recoverCpuMs: Math.round(recovered.cpuMs),
      recoverPeakMiB: Math.round(recovered.peakMiB),
      tailEntries: options.tailEntries,
      tailMiB: rounded((writer.bytes - before) / 2 ** 20),
      ...round,
    };
  } finally {
    await bus.close();
    await server.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

function connect(url: string, seedFile: string): Promise<NatsBus> {
  return connectBus({ servers: url, name: "bench", seedFile });
}

class LogWriter {
  entries = 0;
  bytes = 0;
  readonly #log: Log;
  readonly #underWay: Promise<AppendResult>[] = [];
  #lastHash = NO_ENTRY_HASH;

  constructor(log: Log) {
    this.#log = log;
  }

  async append(entry: LogEntry): Promise<void> {
    const bytes = new TextEncoder().encode(JSON.stringify({ ...entry, previous: this.#lastHash }));
    this.#lastHash = hashEntry(bytes);
    this.#underWay.push(this.#log.append(bytes, this.entries));
    this.entries += 1;
    this.bytes += bytes.length;
    if (this.#underWay.length >= APPENDS_UNDER_WAY_MAX) await this.#takeOne();
  }

  async settle(): Promise<void> {
    while (this.#underWay.length > 0) await this.#takeOne();
  }

  async #takeOne(): Promise<void> {
    const outcome = await this.#underWay.shift();
    if (outcome?.result !== "appended") throw new Error(`an append failed: ${outcome?.result}`);
  }
}

/** Health that comes and goes, all over the cluster. */
function* tail(options: RecoverOptions): Generator<ClusterEvent[]> {
  let at = 0;
  for (let entry = 0; entry < options.tailEntries; entry += 1) {
    yield Array.from({ length: options.eventsPerTailEntry }, () => {
      at = (at + 7_919) % options.allocations;
      return {
        type: "AllocationRunning",
        allocationId: allocationId(at + 1),
        startedAtUnixMs: 1_790_000_000_000 + at,
        pid: 1_000 + (at % 30_000),
        health: entry % 2 === 0 ? "unhealthy" : "healthy",
        message: null,
      } satisfies ClusterEvent;
    });
  }
}

async function measureRound(server: NatsServer, folder: string) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const outcome = await runRoundInThread(
    {
      server: server.url,
      credentials: server.credentials.scheduler.seedFile,
      folder,
      retentionMs: Number.MAX_SAFE_INTEGER,
    },
    new AbortController().signal,
  );
  delay.disable();
  progress(`took a snapshot in ${Math.round(outcome.tookMs)} ms`);
  return { snapshotRoundMs: Math.round(outcome.tookMs), snapshotStallMs: rounded(delay.max / 1e6) };
}

interface Recovery {
  readonly lastSeq: number;
  readonly tookMs: number;
  readonly cpuMs: number;
  readonly peakMiB: number;
}

async function recoverInProcess(server: NatsServer): Promise<Recovery> {
  const seedFile = server.credentials.scheduler.seedFile;
  const child = fork(fileURLToPath(import.meta.url), ["--recover", server.url, seedFile]);
  const [recovery] = (await once(child, "message")) as [Recovery];
  return recovery;
}

async function recoverHere(url: string, seedFile: string): Promise<Recovery> {
  const bus = await connect(url, seedFile);
  const startedMs = performance.now();
  const cpuBefore = process.cpuUsage();
  const logger = loggerTo(() => {});
  const snapshots = [natsSnapshots(bus)];
  const { lastSeq, snapshotSeq } = await recoverState({ log: natsLog(bus), snapshots, logger });
  const tookMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  if (snapshotSeq === 0) throw new Error("it began with the first entry");
  await bus.close();
  const cpuMs = (user + system) / 1_000;
  return { lastSeq, tookMs, cpuMs, peakMiB: process.resourceUsage().maxRSS / 1024 };
}

const [, program, mode, url = "", seedFile = ""] = process.argv;
if (mode === "--recover" && program === fileURLToPath(import.meta.url)) {
  process.send?.(await recoverHere(url, seedFile));
}
