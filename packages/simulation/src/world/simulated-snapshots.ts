import { BerthError } from "@berth/protocol";
import type { Clock, LogKeeper, SnapshotStore } from "@berth/runtime";
import type { Link } from "./link.ts";
import type { SnapshotShelf } from "./snapshot-shelf.ts";
import { ask, type StreamModel } from "./stream-model.ts";

/** One step in a place where snapshots are: it may fail, or never come back. */
type Reach = <T>(act: () => T | Promise<T>) => Promise<T>;

/** What one step in a folder takes. */
const FOLDER_STEP_MS = 1;

/** Snapshots in the engine, beside the log, as one client sees them through its link. */
export function engineSnapshots(
  shelf: SnapshotShelf,
  model: StreamModel,
  link: Link,
  clock: Clock,
): SnapshotStore {
  const slowly = <T>(act: () => T | Promise<T>) =>
    shelf.slownessMs === 0 ? act() : stepLater(act, shelf.slownessMs, clock);
  return stepByStep(
    shelf,
    (act) => ask(model, link, clock, () => slowly(act)),
    () => model.full || shelf.isFull,
  );
}

/** Snapshots in a folder of one machine: what it does ends with the process, and what it has stays. */
export function folderSnapshots(shelf: SnapshotShelf, clock: Clock): SnapshotStore {
  return stepByStep(
    shelf,
    (act) => stepLater(act, FOLDER_STEP_MS + shelf.slownessMs, clock),
    () => shelf.isFull,
  );
}

function stepLater<T>(act: () => T | Promise<T>, delayMs: number, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    clock.after(delayMs, () => {
      new Promise<T>((done) => done(act())).then(resolve, reject);
    });
  });
}

/**
 * The port over what lies in one place, a step for each chunk, so that anything may happen between two
 * of them. A snapshot is there at the last step of its writing, whether its writer hears of it or not.
 */
function stepByStep(shelf: SnapshotShelf, reach: Reach, isFull: () => boolean): SnapshotStore {
  const requireRoom = () => {
    if (!isFull()) return;
    throw new BerthError("log.full", "no space left on device", { retryable: true });
  };
  return {
    name: shelf.name,
    list: () => reach(() => shelf.list()),
    async write(header, chunks) {
      const collected: Uint8Array[] = [];
      for await (const chunk of chunks) {
        await reach(requireRoom);
        collected.push(chunk);
      }
      return reach(() => {
        requireRoom();
        return shelf.write(header, collected);
      });
    },
    async *read(id) {
      for (let number = 0; ; number += 1) {
        const chunk = await reach(() => shelf.chunk(id, number));
        if (chunk === null) return;
        yield chunk;
      }
    },
    remove: (id) => reach(() => shelf.remove(id)),
    // What never finished leaves nothing here.
    sweep: () => reach(() => {}),
  };
}

/** The `LogKeeper` port as one client sees it through its link. */
export function simulatedKeeper(model: StreamModel, link: Link, clock: Clock): LogKeeper {
  return {
    stat: () => ask(model, link, clock, () => ({ ...model.bounds, bytes: model.bytes })),
    entry: (seq) => ask(model, link, clock, () => model.entryAt(seq)),
    purgeBefore: (seq) => ask(model, link, clock, () => model.purgeBefore(seq)),
    startAt: (seq) =>
      Promise.reject(new BerthError("conflict", `the log does not start at ${seq}`)),
  };
}
