import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { LogEntry } from "@berth/protocol";
import {
  applyEntry,
  type ClusterState,
  createState,
  decodeState,
  encodeState,
  stateHash,
} from "@berth/scheduler/state";
import { numberArgument, print, progress, rounded } from "../cluster/statistics.ts";
import { type LargeCluster, largeLog } from "./large-log.ts";

/**
 * What the state of a large cluster takes in memory, and how fast it is folded, written and read.
 * Memory is what remains after a collection, typed arrays included, less what was there before the
 * first entry: nodes, specs, remembered events, all of it, divided by the live allocations.
 */
export interface StateMeasurement extends LargeCluster {
  readonly bytesPerAllocation: number;
  readonly foldedEventsPerSecond: number;
  readonly encodeMs: number;
  readonly decodeMs: number;
  readonly hashMs: number;
  readonly snapshotMiB: number;
}

export function measureState(cluster: LargeCluster): StateMeasurement {
  const bytesBefore = collectedBytes();
  const written = writeFolded(cluster, bytesBefore);
  // As in a recovery, nothing else is in memory.
  collectedBytes();
  const decoded = timed(() => decodeState(written.chunks));
  if (stateHash(decoded.value) !== written.hash) throw new Error("the snapshot is another state");
  return { ...cluster, ...written.measured, decodeMs: Math.round(decoded.tookMs) };
}

function writeFolded(cluster: LargeCluster, bytesBefore: number) {
  const state = createState();
  const { events, tookMs } = fold(state, cluster);
  const bytes = collectedBytes() - bytesBefore;
  progress(`folded ${events} events in ${Math.round(tookMs)} ms`);
  const encoded = timed(() => [...encodeState(state)]);
  const hashed = timed(() => stateHash(state));
  const snapshotBytes = encoded.value.reduce((sum, chunk) => sum + chunk.length, 0);
  return {
    chunks: encoded.value,
    hash: hashed.value,
    measured: {
      bytesPerAllocation: rounded(bytes / cluster.allocations),
      foldedEventsPerSecond: Math.round((events / tookMs) * 1_000),
      encodeMs: Math.round(encoded.tookMs),
      hashMs: Math.round(hashed.tookMs),
      snapshotMiB: rounded(snapshotBytes / 2 ** 20),
    },
  };
}

/** Folds the whole log; the time is that of parsing and folding, not of making it up. */
function fold(state: ClusterState, cluster: LargeCluster): { events: number; tookMs: number } {
  let seq = 0;
  let events = 0;
  let tookMs = 0;
  for (const text of largeLog(cluster)) {
    const startedMs = performance.now();
    const entry: LogEntry = JSON.parse(text);
    seq += 1;
    applyEntry(state, seq, entry);
    tookMs += performance.now() - startedMs;
    events += entry.events.length;
  }
  return { events, tookMs };
}

function timed<T>(run: () => T): { value: T; tookMs: number } {
  const startedMs = performance.now();
  const value = run();
  return { value, tookMs: performance.now() - startedMs };
}

function collectedBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  for (let i = 0; i < 3; i += 1) collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const allocations = numberArgument("allocations", 1_000_000);
  const nodes = numberArgument("nodes", 10_000);
  const workloads = numberArgument("workloads", 1_000);
  print({ benchmark: "log-state", ...measureState({ nodes, workloads, allocations }) });
}
