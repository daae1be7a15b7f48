import { BerthError } from "@berth/protocol";
import { loggerTo, type LogKeeper, type SnapshotStore } from "@berth/runtime";
import { memoryLogger, memorySnapshots } from "@berth/runtime/memory";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { stateHash } from "../src/core/index.ts";
import { recoverState } from "../src/shell/recover-state.ts";
import { type Replayed, replayLog } from "../src/shell/replay-log.ts";
import { snapshotLimits } from "../src/shell/snapshot-limits.ts";
import { runSnapshotRound } from "../src/shell/snapshot-round.ts";
import { StoredLog } from "./stored-log.ts";

const MINUTE_MS = 60_000;
const settings = { retentionMs: 100 * MINUTE_MS };

function createWorld() {
  const world = new StoredLog();
  const engine = memorySnapshots("engine");
  const folder = memorySnapshots("folder");
  const logger = memoryLogger();
  const components = {
    log: world.log,
    keeper: world.log,
    stores: [engine, folder] as const,
    clock: world.clock,
    logger,
  };
  const round = () => runSnapshotRound(components, settings);
  const grow = (by: number, everyMs = MINUTE_MS) => {
    const last = world.log.entries().at(-1)?.seq ?? 0;
    world.growTo(last + by, everyMs);
  };
  const seqsIn = async (store: SnapshotStore) =>
    (await store.list()).map(({ manifest }) => manifest?.seq ?? null);
  return { world, engine, folder, logger, components, round, grow, seqsIn };
}

let here: ReturnType<typeof createWorld>;
beforeEach(() => {
  here = createWorld();
});

describe("a round of snapshots", () => {
  it("takes one of the whole log, and copies it to the second store", async () => {
    here.grow(30);
    expect(await here.round()).toMatchObject({ seq: 30, isNew: true, copied: 1, logFirst: 1 });
    expect(await here.seqsIn(here.engine)).toEqual([30]);
    expect(await here.seqsIn(here.folder)).toEqual([30]);
    const [copy] = await here.folder.list();
    const [original] = await here.engine.list();
    expect(copy?.manifest).toEqual(original?.manifest);
  });

  it("takes none when nothing has happened since", async () => {
    here.grow(30);
    await here.round();
    expect(await here.round()).toMatchObject({ isNew: false, copied: 0, removed: 0 });
  });

  it("keeps the newest three and a few more, and purges what is older than the retention", async () => {
    for (let taken = 0; taken < 40; taken += 1) {
      here.grow(10);
      await here.round();
    }
    const { first, last } = await here.world.log.bounds();
    expect(last).toBe(400);
    expect(first).toBeGreaterThan(250);
    expect(first).toBeLessThanOrEqual(300);
    const kept = await here.seqsIn(here.engine);
    expect(kept.slice(0, 3)).toEqual([400, 390, 380]);
    expect(kept.length).toBeLessThan(10);
    expect(kept.at(-1)).toBe(first);
    expect(await here.seqsIn(here.folder)).toEqual(kept);
  });

  it("purges nothing while there is only one store", async () => {
    const alone = { ...here.components, stores: [here.engine] as const };
    for (let taken = 0; taken < 20; taken += 1) {
      here.grow(20);
      await runSnapshotRound(alone, settings);
    }
    expect((await here.world.log.bounds()).first).toBe(1);
  });

  it("purges nothing that depends on a copy which is damaged, and says so", async () => {
    for (let taken = 0; taken < 4; taken += 1) {
      here.grow(20);
      await here.round();
    }
    const oldest = (await here.folder.list()).at(-1);
    here.folder.kept(oldest?.id ?? "").chunks.pop();
    here.grow(20);
    here.world.clock.advance(settings.retentionMs);
    await here.round();
    const { first } = await here.world.log.bounds();
    const whole = (await here.seqsIn(here.engine)).filter((seq) => seq !== oldest?.manifest?.seq);
    expect(first === 1 || whole.includes(first)).toBe(true);
  });

  it("leaves a snapshot of a later version alone, whatever else it removes", async () => {
    here.engine.plant("5-future", { v: 2 });
    for (let taken = 0; taken < 30; taken += 1) {
      here.grow(20);
      await here.round();
    }
    expect((await here.engine.list()).map(({ id }) => id)).toContain("5-future");
    expect((await here.world.log.bounds()).first).toBeGreaterThan(1);
  });

  it("repairs a store that has lost its copies", async () => {
    here.grow(20);
    await here.round();
    for (const { id } of await here.folder.list()) await here.folder.remove(id);
    here.grow(5);
    expect(await here.round()).toMatchObject({ copied: 2 });
    expect(await here.seqsIn(here.folder)).toEqual([25, 20]);
  });

  it("takes another copy as the source when the first one is damaged", async () => {
    const third = memorySnapshots("third");
    for (let taken = 0; taken < 2; taken += 1) {
      here.grow(20);
      await here.round();
    }
    const damaged = (await here.engine.list()).at(-1);
    here.engine.kept(damaged?.id ?? "").chunks.pop();
    const stores = [here.engine, here.folder, third] as const;
    await runSnapshotRound({ ...here.components, stores }, settings);
    expect(await here.seqsIn(third)).toEqual([40, 20]);
    const told = here.logger.lines.filter(({ level }) => level === "warn");
    expect(told.map(({ message }) => message)).toEqual([
      expect.stringMatching(`left as it is: snapshot ${damaged?.id} in engine: it is not whole`),
    ]);
  });

  it("goes on past a damaged older one without another copy, and neither purges by it nor removes it", async () => {
    for (let taken = 0; taken < 3; taken += 1) {
      here.grow(20);
      await here.round();
    }
    // A scheduler on another machine leads from now on: its folder is empty.
    for (const { id } of await here.folder.list()) await here.folder.remove(id);
    const damaged = (await here.engine.list()).at(1)?.id ?? "";
    here.engine.kept(damaged).chunks.pop();
    const before = structuredClone(here.engine.kept(damaged));
    for (let taken = 0; taken < 20; taken += 1) {
      here.grow(20);
      expect(await here.round()).toMatchObject({ isNew: true });
    }
    expect((await here.world.log.bounds()).first).toBeGreaterThan(100);
    expect(here.engine.kept(damaged)).toEqual(before);
    expect(await here.seqsIn(here.folder)).not.toContain(40);
  });

  it("keeps few in the first store and purges nothing while the second takes no copies", async () => {
    for (let taken = 0; taken < 20; taken += 1) {
      here.grow(20);
      await here.round();
    }
    const full: SnapshotStore = {
      ...here.folder,
      write: () => Promise.reject(new BerthError("log.full", "no space left", { retryable: true })),
    };
    const stores = [here.engine, full] as const;
    for (let taken = 0; taken < 20; taken += 1) {
      here.grow(20);
      const round = runSnapshotRound({ ...here.components, stores }, settings);
      await expect(round).rejects.toMatchObject({ code: "log.full" });
    }
    const kept = await here.seqsIn(here.engine);
    expect(kept.length).toBeLessThan(10);
    // What stands for the log's start goes from neither before there are copies again.
    const { first } = await here.world.log.bounds();
    expect(first).toBeLessThan(400);
    expect(kept).toContain(first);
    expect(await here.seqsIn(here.folder)).toContain(first);
    for (let taken = 0; taken < 10; taken += 1) {
      here.grow(20);
      await here.round();
    }
    expect((await here.world.log.bounds()).first).toBeGreaterThan(400);
    expect(await here.seqsIn(here.engine)).not.toContain(first);
  });

  it("takes back a snapshot that does not read back as it was written", async () => {
    here.grow(20);
    const { engine } = here;
    const lossy: SnapshotStore = {
      ...engine,
      async write(header, chunks) {
        const written = await engine.write(header, chunks);
        engine.kept(written.id).chunks.pop();
        return written;
      },
    };
    const components = { ...here.components, stores: [lossy] as const };
    await expect(runSnapshotRound(components, settings)).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringContaining("after entry 20 did not come back"),
    });
    expect(await engine.list()).toEqual([]);
  });
});

const silent = loggerTo(() => {});

class Cut extends Error {}

/** Lets so many steps happen, half of them before and half after something takes effect. */
class Power {
  stepsLeft: number;

  constructor(steps: number) {
    this.stepsLeft = steps;
  }

  step(): void {
    this.stepsLeft -= 1;
    if (this.stepsLeft < 0) throw new Cut();
  }

  async around<T>(work: () => Promise<T>): Promise<T> {
    this.step();
    const result = await work();
    this.step();
    return result;
  }

  store(store: SnapshotStore): SnapshotStore {
    const { step } = { step: () => this.step() };
    async function* stepping(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        step();
        yield chunk;
      }
    }
    return {
      name: store.name,
      list: () => this.around(() => store.list()),
      write: (header, chunks) => this.around(() => store.write(header, stepping(chunks))),
      read: (id) => stepping(store.read(id)),
      remove: (id) => this.around(() => store.remove(id)),
      sweep: (olderThanMs) => this.around(() => store.sweep(olderThanMs)),
    };
  }

  keeper(keeper: LogKeeper): LogKeeper {
    return {
      stat: () => this.around(() => keeper.stat()),
      entry: (seq) => this.around(() => keeper.entry(seq)),
      purgeBefore: (seq) => this.around(() => keeper.purgeBefore(seq)),
      startAt: (seq) => this.around(() => keeper.startAt(seq)),
    };
  }
}

const life = fc.array(
  fc.record({
    entries: fc.integer({ min: 1, max: 15 }),
    everyMs: fc.constantFrom(0, MINUTE_MS, 10 * MINUTE_MS),
    /** Steps until the power fails; most rounds take fewer than 100. */
    steps: fc.oneof(fc.constant(1_000), fc.integer({ min: 0, max: 90 })),
    /** Bit rot in one store, never in both. */
    rot: fc.option(fc.nat(10), { freq: 5 }),
  }),
  { minLength: 3, maxLength: 25 },
);

describe("[INV3] a round that is cut off at any step", () => {
  it("leaves a log that recovers to the same state from any one of at least three snapshots", async () => {
    await fc.assert(
      fc.asyncProperty(life, async (periods) => {
        const { world, engine, folder, components, grow } = createWorld();
        let expected: Replayed | undefined;
        for (const { entries, everyMs, steps, rot } of periods) {
          grow(entries, everyMs);
          const { last } = await world.log.bounds();
          // The reference folds every entry once, before any of them can be purged.
          expected = await replayLog(world.log, expected);
          const power = new Power(steps);
          const stores = [power.store(engine), power.store(folder)] as const;
          const keeper = power.keeper(world.log);
          await runSnapshotRound({ ...components, keeper, stores }, settings).catch(
            (cause: unknown) => {
              if (!(cause instanceof Cut)) throw cause;
            },
          );
          const rotten = rot === null ? undefined : (await folder.list())[rot];
          if (rotten !== undefined) folder.kept(rotten.id).chunks.pop();
          const hash = stateHash(expected.state);
          const recoverFrom = async (...snapshots: SnapshotStore[]) => {
            const recovered = await recoverState({ log: world.log, snapshots, logger: silent });
            expect(recovered.lastSeq).toBe(last);
            expect(stateHash(recovered.state)).toBe(hash);
          };
          await recoverFrom(engine, folder);
          const { first } = await world.log.bounds();
          const joining = (await engine.list()).filter(
            ({ manifest }) => manifest && manifest.seq >= first,
          );
          if (first > 1) expect(joining.length).toBeGreaterThanOrEqual(snapshotLimits.keptMin);
          for (const one of joining) await recoverFrom({ ...engine, list: async () => [one] });
        }
      }),
      { numRuns: 100 },
    );
  });
});
