import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LOG_STREAM, SNAPSHOT_STREAM, subjects } from "@berth/protocol";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { memoryLog, memorySnapshots } from "../src/memory/index.ts";
import {
  connectBus,
  ensureLogStream,
  ensureSnapshotStream,
  type NatsBus,
  natsLog,
  natsLogKeeper,
  natsSnapshots,
} from "../src/nats/index.ts";
import { folderSnapshots, nodeClock } from "../src/node/index.ts";
import type { Log, LogKeeper, SnapshotStore } from "../src/ports.ts";
import { verifiedChunks } from "../src/snapshot-digest.ts";
import { bytes, readAll } from "./log-contract.ts";
import { collect, describeSnapshots, header, text } from "./snapshot-contract.ts";
import { until } from "./until.ts";
import { findNatsServer, startTestServer, type TestServer } from "./with-nats-server.ts";

const program = await findNatsServer();

describeSnapshots("memory", async () => ({ store: memorySnapshots(), dispose: async () => {} }));

describeSnapshots("folder", async () => {
  const folder = await mkdtemp(join(tmpdir(), "berth-snapshots-"));
  const dispose = () => rm(folder, { recursive: true });
  return { store: folderSnapshots(join(folder, "not", "there", "yet")), dispose };
});

describe("snapshots in a folder", () => {
  let folder: string;
  let store: SnapshotStore;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "berth-snapshots-"));
    store = folderSnapshots(folder);
  });
  afterEach(() => rm(folder, { recursive: true }));

  const verify = async () => {
    const [stored] = await store.list();
    if (!stored?.manifest) throw new Error("one snapshot expected");
    await collect(verifiedChunks(stored.manifest, store.read(stored.id)));
  };
  const pathOf = async (end: string) => {
    const name = (await readdir(folder)).find((file) => file.endsWith(end));
    return join(folder, name ?? "missing");
  };

  it("show a flipped bit, wherever it is", async () => {
    await store.write(header(5), [text("some chunk"), text("another")]);
    const path = await pathOf(".chunks");
    const whole = await readFile(path);
    for (let at = 0; at < whole.length; at += 1) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      await writeFile(path, damaged);
      await expect(verify(), `byte ${at}`).rejects.toMatchObject({ code: "invalid" });
    }
  });

  it("show that the end is missing, wherever it is cut", async () => {
    await store.write(header(5), [text("some chunk"), text("another")]);
    const path = await pathOf(".chunks");
    const { length } = await readFile(path);
    for (let left = length - 1; left >= 0; left -= 1) {
      await truncate(path, left);
      await expect(verify(), `${left} bytes left`).rejects.toMatchObject({ code: "invalid" });
    }
  });

  it("are damaged, and no others are, where the disk does not give back what it took", async () => {
    await store.write(header(5), [text("whole")]);
    await store.write(header(6), [text("some chunk")]);
    // Reading a folder as if it were a file fails as reading a lost sector does.
    await mkdir(join(folder, "7-lost.manifest.json"));
    const chunks = join(folder, `${(await store.list())[0]?.id}.chunks`);
    await rm(chunks);
    await mkdir(chunks);
    const listed = await store.list();
    expect(listed.map(({ manifest }) => manifest?.seq ?? null)).toEqual([6, 5, null]);
    expect(listed[2]).toMatchObject({ problem: expect.stringContaining("EISDIR") });
    await expect(verify()).rejects.toMatchObject({ code: "invalid", retryable: false });
  });

  it("show a changed manifest", async () => {
    await store.write(header(5), [text("some chunk")]);
    const path = await pathOf(".manifest.json");
    const manifest = await readFile(path, "utf8");
    await writeFile(path, manifest.replace('"term":3', '"term":4'));
    await expect(verify()).rejects.toMatchObject({ message: expect.stringContaining("checksum") });
  });

  it("are listed with the reason when their manifest cannot be read", async () => {
    await writeFile(join(folder, "9-future.manifest.json"), '{"v":2}');
    await writeFile(join(folder, "8-torn.manifest.json"), '{"v":1,"se');
    await store.write(header(5), [text("whole")]);
    const listed = await store.list();
    expect(listed.map(({ manifest }) => manifest?.seq ?? null)).toEqual([5, null, null]);
    expect(listed[1]).toMatchObject({
      id: "9-future",
      problem: expect.stringContaining("version 2"),
    });
    expect(listed[2]).toMatchObject({ id: "8-torn", problem: expect.stringContaining("not JSON") });
  });

  it("leave no file of a write that broke", async () => {
    function* breaking() {
      yield text("half");
      throw new Error("broken");
    }
    await expect(store.write(header(6), breaking())).rejects.toThrow("broken");
    expect(await readdir(folder)).toEqual([]);
  });
});

interface KeptLog {
  readonly log: Log;
  readonly keeper: LogKeeper;
  restart?(): Promise<void>;
}

/** What keeping the log means, for each engine. */
function describeKeeper(name: string, make: () => Promise<KeptLog>): void {
  describe(`keeping a log (${name})`, () => {
    let log: Log;
    let keeper: LogKeeper;
    let restart: KeptLog["restart"];
    beforeEach(async () => {
      ({ log, keeper, restart } = await make());
    });
    const fill = async (from: number, count: number) => {
      for (let seq = from; seq < from + count; seq += 1)
        await log.append(bytes(`e${seq}`), seq - 1);
    };

    it("purges what is before a sequence; the rest and the numbering stay", async () => {
      await fill(1, 10);
      await keeper.purgeBefore(7);
      await keeper.purgeBefore(3);
      expect(await log.bounds()).toEqual({ first: 7, last: 10 });
      expect((await readAll(log, 7)).map(([seq]) => seq)).toEqual([7, 8, 9, 10]);
      expect(await log.append(bytes("e11"), 10)).toEqual({ result: "appended", seq: 11 });
      await expect(readAll(log, 6)).rejects.toMatchObject({
        code: "log.unavailable",
        message: expect.stringContaining("entry 6 is gone"),
      });
      expect(await keeper.entry(6)).toBeNull();
      expect((await keeper.entry(7))?.bytes).toEqual(bytes("e7"));
      expect(await keeper.entry(12)).toBeNull();
    });

    it("refuses to purge everything", async () => {
      await fill(1, 3);
      await expect(keeper.purgeBefore(4)).rejects.toMatchObject({ code: "invalid" });
      expect(await log.bounds()).toEqual({ first: 1, last: 3 });
    });

    it("starts an empty log at a sequence of choice, and no other", async () => {
      const { needsRestart } = await keeper.startAt(5_000);
      await keeper.startAt(5_000);
      if (needsRestart) await restart?.();
      expect(await log.bounds()).toEqual({ first: 5_000, last: 4_999 });
      expect(await log.append(bytes("x"), 0)).toEqual({ result: "conflict" });
      expect(await log.append(bytes("x"), 4_999)).toEqual({ result: "appended", seq: 5_000 });
      await expect(keeper.startAt(1)).rejects.toMatchObject({ code: "conflict" });
      expect(await readAll(log, 5_000)).toEqual([[5_000, "x"]]);
    });

    it("starts at the very first sequences too", async () => {
      await keeper.startAt(1);
      const { needsRestart } = await keeper.startAt(2);
      if (needsRestart) await restart?.();
      expect(await log.append(bytes("x"), 1)).toEqual({ result: "appended", seq: 2 });
    });

    it("counts", async () => {
      expect(await keeper.stat()).toMatchObject({ first: 1, last: 0, bytes: 0 });
      await fill(1, 3);
      const { bytes: size, ...rest } = await keeper.stat();
      expect(rest).toEqual({ first: 1, last: 3 });
      expect(size).toBeGreaterThan(0);
    });
  });
}

describeKeeper("memory", async () => {
  const log = memoryLog({ clock: nodeClock });
  return { log, keeper: log };
});

describe.skipIf(program === null)("over a real nats-server", () => {
  let server: TestServer;
  let bus: NatsBus;
  beforeAll(async () => {
    server = await startTestServer(program ?? "");
    bus = await connectBus({
      servers: server.url,
      seedFile: server.credentials.scheduler.seedFile,
      name: "keeper",
    });
  });
  afterAll(async () => {
    await bus.close();
    await server.dispose();
  });
  const streams = async () => {
    const manager = await bus.connection?.jetstreamManager({ checkAPI: false });
    if (!manager) throw new Error("connected expected");
    return manager.streams;
  };
  const empty = async () => {
    for (const stream of [LOG_STREAM, SNAPSHOT_STREAM]) {
      await (await streams()).delete(stream).catch(() => false);
    }
    await ensureLogStream(bus);
    await ensureSnapshotStream(bus);
  };

  describeSnapshots("JetStream", async () => {
    await empty();
    return { store: natsSnapshots(bus), dispose: async () => {} };
  });

  describeKeeper("JetStream", async () => {
    await empty();
    const restart = async () => {
      server = await server.killAndRestart();
      await until("connected again", () => bus.status === "connected");
    };
    return { log: natsLog(bus), keeper: natsLogKeeper(bus), restart };
  });

  it("names the chunk that is missing from a stream", async () => {
    await empty();
    const store = natsSnapshots(bus);
    const { id } = await store.write(header(5), [text("a"), text("b"), text("c")]);
    await (await streams()).deleteMessage(SNAPSHOT_STREAM, 2);
    await expect(collect(store.read(id))).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringContaining("chunk 2 is missing"),
    });
  });

  it("lists a foreign manifest with the reason and leaves it alone", async () => {
    await empty();
    const store = natsSnapshots(bus);
    bus.publish(subjects.snapshot("9-future", "manifest"), { v: 7 });
    await bus.connection?.flush();
    await store.sweep(0);
    expect(await store.list()).toEqual([
      { id: "9-future", manifest: null, problem: expect.stringContaining("version 7") },
    ]);
  });

  it("lists none where the stream was never made", async () => {
    await (await streams()).delete(SNAPSHOT_STREAM).catch(() => false);
    expect(await natsSnapshots(bus).list()).toEqual([]);
  });
});
