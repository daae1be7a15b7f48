import { BerthError } from "@berth/protocol";
import type { LogKeeper } from "@berth/runtime";
import { listSnapshots, type ReadableSnapshot, verifyCopy } from "../shell/snapshot-load.ts";
import type { LogPlace } from "./log-place.ts";

export interface LogReport {
  readonly first: number;
  readonly last: number;
  readonly entries: number;
  readonly bytes: number;
  /** When the first entry that is still there was decided; null when there is none to tell. */
  readonly oldestAtUnixMs: number | null;
  readonly newestAtUnixMs: number | null;
  /** Newest first; those that cannot be read at all come last. */
  readonly snapshots: readonly SnapshotReport[];
}

export interface SnapshotReport {
  readonly store: string;
  readonly id: string;
  readonly seq: number | null;
  readonly bytes: number | null;
  readonly chunks: number | null;
  readonly takenAtUnixMs: number | null;
  /** What is wrong with it; null when its bytes are those that were written. */
  readonly problem: string | null;
}

/** The log in numbers. Reads every snapshot to its end, and of the log two entries. */
export async function statLog({ keeper, snapshots }: LogPlace): Promise<LogReport> {
  const { first, last, bytes } = await keeper.stat();
  const { readable, unusable } = await listSnapshots(snapshots);
  const reports: SnapshotReport[] = [];
  for (const snapshot of readable) reports.push(await reportOf(snapshot));
  for (const { store, id, seq, problem } of unusable) {
    reports.push({ store, id, seq, bytes: null, chunks: null, takenAtUnixMs: null, problem });
  }
  return {
    first,
    last,
    entries: last - first + 1,
    bytes,
    oldestAtUnixMs: await decidedAt(keeper, first),
    newestAtUnixMs: await decidedAt(keeper, last),
    snapshots: reports,
  };
}

async function reportOf(snapshot: ReadableSnapshot): Promise<SnapshotReport> {
  const { store, id, manifest } = snapshot;
  const { seq, bytes, chunks, takenAtUnixMs } = manifest;
  const problem = await problemOf(snapshot);
  return { store: store.name, id, seq, bytes, chunks, takenAtUnixMs, problem };
}

async function problemOf(snapshot: ReadableSnapshot): Promise<string | null> {
  try {
    await verifyCopy(snapshot);
    return null;
  } catch (cause) {
    if (cause instanceof BerthError && !cause.retryable) return cause.message;
    throw cause;
  }
}

/** Whatever else is wrong with the entry: this is for people to look at. */
async function decidedAt(keeper: LogKeeper, seq: number): Promise<number | null> {
  const stored = await keeper.entry(seq);
  try {
    const entry: unknown = JSON.parse(new TextDecoder().decode(stored?.bytes));
    const at =
      typeof entry === "object" && entry !== null && "atUnixMs" in entry ? entry.atUnixMs : null;
    return typeof at === "number" ? at : null;
  } catch {
    return null;
  }
}
