import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loggerTo } from "@berth/runtime";
import {
  connectBus,
  ensureLogStream,
  ensureSnapshotStream,
  type NatsBus,
  natsLog,
  natsLogKeeper,
  natsSnapshots,
} from "@berth/runtime/nats";
import { ensureNatsServer, type NatsServer, startNatsServer } from "@berth/runtime/nats-server";
import { folderSnapshots } from "@berth/runtime/node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { stateHash } from "../src/core/index.ts";
import { exportLog, importLog, type LogPlace, verifyLog } from "../src/log-tools/index.ts";
import { recoverState } from "../src/shell/recover-state.ts";
import { replayLog } from "../src/shell/replay-log.ts";
import type { RoundOutcome } from "../src/shell/snapshot-round.ts";
import type { SnapshotOrder } from "../src/shell/snapshot-worker.ts";
import { StoredLog } from "./stored-log.ts";

const program = await ensureNatsServer({ useSystemPackages: false }).then(
  ({ path }) => path,
  () => null,
);
const built = (file: string) => fileURLToPath(new URL(`../dist/${file}`, import.meta.url));
const logger = loggerTo(() => {});

describe.skipIf(program === null)("snapshots over a real nats-server", () => {
  let home: string;
  let folder: string;
  let server: NatsServer;
  let bus: NatsBus;
  let place: LogPlace;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "berth-snapshots-test-"));
    folder = join(home, "snapshots");
    server = await startNatsServer({ path: program ?? "", home });
    bus = await connectBus({
      servers: server.url,
      name: "test",
      seedFile: server.credentials.scheduler.seedFile,
    });
    await ensureLogStream(bus);
    await ensureSnapshotStream(bus);
    place = {
      log: natsLog(bus),
      keeper: natsLogKeeper(bus),
      snapshots: [natsSnapshots(bus), folderSnapshots(folder)],
    };
  });
  afterEach(async () => {
    await bus.close();
    await server.stop();
    await rm(home, { recursive: true, force: true });
  });

  async function fillTo(last: number): Promise<void> {
    const stored = new StoredLog();
    stored.growTo(last);
    const after = (await place.log.bounds()).last;
    for (const { seq, bytes } of stored.log.entries().slice(after)) {
      expect(await place.log.append(bytes, seq - 1)).toEqual({ result: "appended", seq });
    }
  }

  /** A round in a thread, by a process that runs what is built. */
  async function round(): Promise<RoundOutcome> {
    const order: SnapshotOrder = {
      server: server.url,
      credentials: server.credentials.scheduler.seedFile,
      folder,
      retentionMs: 7 * 24 * 3_600_000,
    };
    const program = `
      import { runRoundInThread } from ${JSON.stringify(built("shell/snapshot-thread.js"))};
      const stop = new AbortController().signal;
      console.log(JSON.stringify(await runRoundInThread(${JSON.stringify(order)}, stop)));`;
    const file = join(home, "round.mjs");
    await writeFile(file, program);
    const { code, said } = await run(file);
    if (code !== 0) throw new Error(said);
    return JSON.parse(said.trim().split("\n").at(-1) ?? "") as RoundOutcome;
  }

  /** The built scheduler, to its end. */
  function runToItsEnd(): Promise<Ended> {
    const { seedFile } = server.credentials.scheduler;
    const login = ["--server", server.url, "--credentials", seedFile, "--snapshots", folder];
    return run(built("main.js"), ...login);
  }

  it("are taken and copied in a thread of their own, and a purged log is recovered from them", async () => {
    await fillTo(500);
    expect(await round()).toMatchObject({ seq: 500, isNew: true, copied: 1, logFirst: 1 });
    await fillTo(520);
    const expected = stateHash((await replayLog(place.log)).state);
    await place.keeper.purgeBefore(480);
    const { snapshots, log } = place;
    for (const stores of [[snapshots[0]], [folderSnapshots(folder)]]) {
      const recovered = await recoverState({ log, snapshots: stores, logger });
      expect(recovered).toMatchObject({ snapshotSeq: 500, lastSeq: 520 });
      expect(stateHash(recovered.state)).toBe(expected);
    }
    expect(await verifyLog(place)).toMatchObject({ ok: true, first: 480, folded: 20 });
  });

  it("that are all damaged keep a scheduler from a log whose start is gone: it ends and says why", async () => {
    await fillTo(100);
    await round();
    await place.keeper.purgeBefore(90);
    for (const { id } of await place.snapshots[0].list()) await place.snapshots[0].remove(id);
    const file = (await readdir(folder)).find((name) => name.endsWith(".chunks")) ?? "";
    const chunks = await readFile(join(folder, file));
    chunks[200] = (chunks[200] ?? 0) ^ 1;
    await writeFile(join(folder, file), chunks);
    const flipped = await runToItsEnd();
    expect(flipped.code).not.toBe(0);
    expect(flipped.said).toContain("the log starts at entry 90");
    expect(flipped.said).toMatch(/snapshot 100-[0-9a-f]+ in .*checksum/);
    await truncate(join(folder, file), 300);
    const cut = await runToItsEnd();
    expect(cut.code).not.toBe(0);
    expect(cut.said).toContain("is cut off");
    expect((await place.log.bounds()).first).toBe(90);
    expect((await readFile(join(folder, file))).length).toBe(300);
  });

  it("that are ahead of the log keep a scheduler away too", async () => {
    await fillTo(50);
    await round();
    const manager = await bus.connection?.jetstreamManager({ checkAPI: false });
    await manager?.streams.delete("BERTH_LOG");
    const { code, said } = await runToItsEnd();
    expect(code).not.toBe(0);
    expect(said).toContain("the log ends at entry 0");
    expect(said).toContain("entries 1 to 50 are gone");
  });

  it("let a purged log be exported, and imported elsewhere under its own sequences", async () => {
    await fillTo(300);
    await round();
    await fillTo(320);
    await place.keeper.purgeBefore(290);
    const parts: Uint8Array[] = [];
    for await (const part of exportLog(place, { nowUnixMs: 0 })) parts.push(part);
    await bus.close();
    await server.stop();

    const other = await mkdtemp(join(tmpdir(), "berth-import-test-"));
    let there = await startNatsServer({ path: program ?? "", home: other });
    const { seedFile } = there.credentials.scheduler;
    const thereBus = await connectBus({ servers: there.url, name: "test", seedFile });
    try {
      await ensureLogStream(thereBus);
      await ensureSnapshotStream(thereBus);
      const target: LogPlace = {
        log: natsLog(thereBus),
        keeper: natsLogKeeper(thereBus),
        snapshots: [natsSnapshots(thereBus)],
      };
      const report = await importLog(target, {
        open: () => streamOf(parts),
        nowUnixMs: 0,
        restartEngine: async () => {
          const { port } = there;
          await there.stop();
          there = await startNatsServer({ path: program ?? "", home: other, port });
          await expect.poll(() => thereBus.status, { timeout: 10_000 }).toBe("connected");
        },
      });
      expect(report).toMatchObject({ first: 290, last: 320, resumedAfter: null });
      expect(await verifyLog(target)).toMatchObject({ ok: true, first: 290, last: 320 });
      const again = await recoverState({ ...target, logger });
      expect(stateHash(again.state)).toBe(report.stateHash);
    } finally {
      await thereBus.close();
      await there.stop();
      await rm(other, { recursive: true, force: true });
    }
  });
});

interface Ended {
  readonly code: number | null;
  readonly said: string;
}

async function run(...args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, args);
  let said = "";
  for (const output of [child.stdout, child.stderr]) {
    output.on("data", (text: Buffer) => {
      said += text.toString();
    });
  }
  const [code] = (await once(child, "close")) as [number | null];
  return { code, said };
}

async function* streamOf(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}
