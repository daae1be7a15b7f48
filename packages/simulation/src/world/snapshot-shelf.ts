import { SNAPSHOT_VERSION, type SnapshotHeader, type SnapshotManifest } from "@berth/protocol";
import type { Random, StoredSnapshot } from "@berth/runtime";
import { memorySnapshots } from "@berth/runtime/memory";
import type { Timeline } from "./timeline.ts";

export interface WrittenSnapshot {
  readonly id: string;
  readonly manifest: SnapshotManifest;
  readonly chunks: readonly Uint8Array[];
}

interface Held {
  readonly seq: number;
  /** Null while it is as it was written. */
  damagedAtMs: number | null;
}

export interface ShelfObserver {
  readonly written: (snapshot: WrittenSnapshot) => void;
  /** By a process; how long it had been damaged by then, or null when it was whole. */
  readonly removed: (id: string, damagedForMs: number | null) => void;
}

/**
 * What can become of a snapshot that was whole when its writer read it back: a disk's work, and that of
 * a later version of the program, which went again.
 */
const damages = [
  "flipped",
  "torn",
  "shortened",
  "manifest flipped",
  "of the future",
  "lost",
] as const;

/**
 * A place where snapshots lie: the engine's disks, or a folder of one machine. Its steps happen at one
 * instant each; how a process reaches them is for `simulated-snapshots.ts`.
 */
export class SnapshotShelf {
  readonly name: string;
  private readonly timeline: Timeline;
  private readonly snapshots = memorySnapshots();
  /** In the order in which they were written; what chance has lost is still in it. */
  private readonly held = new Map<string, Held>();
  private readonly observer: ShelfObserver;
  /** Snapshots that were read to their end. */
  reads = 0;
  /** There is no room for more. */
  isFull = false;
  /** What one step takes beyond the usual. */
  slownessMs = 0;

  constructor(name: string, timeline: Timeline, observer: ShelfObserver) {
    this.name = name;
    this.timeline = timeline;
    this.observer = observer;
  }

  get written(): number {
    return this.held.size;
  }

  list(): Promise<readonly StoredSnapshot[]> {
    return this.snapshots.list();
  }

  async write(
    header: SnapshotHeader,
    chunks: readonly Uint8Array[],
  ): Promise<{ readonly id: string; readonly manifest: SnapshotManifest }> {
    const { id, manifest } = await this.snapshots.write(header, chunks);
    this.held.set(id, { seq: manifest.seq, damagedAtMs: null });
    this.observer.written({ id, manifest, chunks });
    return { id, manifest };
  }

  /** Null after the last one. Throws a `BerthError` when there is no such snapshot. */
  chunk(id: string, number: number): Uint8Array | null {
    const chunk = this.snapshots.kept(id).chunks[number] ?? null;
    if (chunk === null) this.reads += 1;
    return chunk;
  }

  async remove(id: string): Promise<void> {
    const held = this.held.get(id);
    if (held !== undefined) {
      const { damagedAtMs } = held;
      this.observer.removed(id, damagedAtMs === null ? null : this.timeline.nowMs - damagedAtMs);
    }
    this.held.delete(id);
    await this.snapshots.remove(id);
  }

  /** Sequences of the snapshots that are whole, or were until `sinceMs`. */
  wholeSeqs(sinceMs = Number.POSITIVE_INFINITY): Set<number> {
    const whole = [...this.held.values()].filter(
      ({ damagedAtMs }) => damagedAtMs === null || damagedAtMs >= sinceMs,
    );
    return new Set(whole.map(({ seq }) => seq));
  }

  /** The newest so many that were written and not removed, whatever became of them. */
  newest(count: number): readonly { readonly seq: number; readonly isWhole: boolean }[] {
    const ascending = [...this.held.values()].toSorted((a, b) => a.seq - b.seq);
    return ascending.slice(-count).map(({ seq, damagedAtMs }) => {
      return { seq, isWhole: damagedAtMs === null };
    });
  }

  /** Something happens to one of the whole ones; says what, or null when there is none. */
  damage(random: Random): string | null {
    const whole = [...this.held].filter(([, { damagedAtMs }]) => damagedAtMs === null);
    const [id, held] = whole[random.below(Math.max(1, whole.length))] ?? [];
    if (id === undefined || held === undefined) return null;
    const how = damages[random.below(damages.length)] ?? "lost";
    held.damagedAtMs = this.timeline.nowMs;
    this.inflict(id, how, random);
    return how;
  }

  /** A disk is replaced. */
  loseAll(): void {
    for (const id of this.held.keys()) void this.snapshots.remove(id);
    this.held.clear();
  }

  private inflict(id: string, how: (typeof damages)[number], random: Random): void {
    const kept = this.snapshots.kept(id);
    const { chunks } = kept;
    const at = random.below(chunks.length);
    switch (how) {
      case "flipped":
        return flipBit(chunks[at], random);
      case "torn":
        chunks[at] = (chunks[at] ?? new Uint8Array()).subarray(0, -1 - random.below(8));
        return;
      case "shortened":
        chunks.splice(at);
        return;
      case "manifest flipped":
        return flipBit(kept.manifest, random);
      case "of the future":
        kept.manifest = ofTheFuture(kept.manifest, random);
        return;
      case "lost":
        void this.snapshots.remove(id);
    }
  }
}

/** Either in a form of its own, or as always with a state that this program cannot read. */
function ofTheFuture(manifest: Uint8Array, random: Random): Uint8Array {
  const body = JSON.parse(new TextDecoder().decode(manifest)) as Record<string, unknown>;
  const later =
    random.below(2) === 0 ? { ...body, v: SNAPSHOT_VERSION + 1 } : { ...body, stateVersion: 99 };
  return new TextEncoder().encode(JSON.stringify(later));
}

function flipBit(bytes: Uint8Array | undefined, random: Random): void {
  if (bytes === undefined) return;
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
}
