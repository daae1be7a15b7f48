import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RequestId } from "@berth/protocol";
import { connectBus, type NatsBus, natsSnapshots } from "@berth/runtime/nats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callApi, Cluster, judgeLog, sound, until } from "../src/index.ts";

/** A few more than make a snapshot due. */
const ENTRIES = 10_200;
const SNAPSHOT_TIMEOUT_MS = 60_000;

describe("a snapshot that was damaged on the disk", () => {
  const cluster = new Cluster();
  let scheduler: NatsBus;
  let operator: NatsBus;
  let chunks = "";
  let whole: Buffer;

  beforeAll(async () => {
    await cluster.start("--no-examples");
    [scheduler, operator] = [await connect("scheduler"), await connect("operator")];
    for (let number = 0; number < ENTRIES; number += 1) await submit("often", number);
    const folder = join(cluster.home, "snapshots", "scheduler");
    chunks = await until("there is a second copy of a snapshot", () => newestChunks(folder), {
      timeoutMs: SNAPSHOT_TIMEOUT_MS,
    });
    whole = readFileSync(chunks);
    // Without the engine's copies everything rests on the one in the folder, and on the log.
    const store = natsSnapshots(scheduler);
    for (const { id } of await store.list()) await store.remove(id);
    await submit("after", 0);
  });
  afterAll(async () => {
    await Promise.all([scheduler.close(), operator.close()]);
    await cluster.destroy();
  });

  function connect(role: "scheduler" | "operator"): Promise<NatsBus> {
    const { natsUrl, credentials } = cluster.file();
    const { seedFile } = credentials[role];
    return connectBus({ servers: natsUrl, seedFile, name: `e2e ${role}` });
  }

  async function submit(name: string, number: number): Promise<void> {
    const task = { command: ["/bin/true"], env: { NUMBER: String(number) } };
    const requestId = randomBytes(12).toString("hex") as RequestId;
    const workloads = [{ kind: "service", name, count: 0, task }];
    await callApi(operator, "workload.apply", { requestId, workloads });
  }

  function newestChunks(folder: string): string | null {
    const files = readdirSync(folder).map((file) => join(folder, file));
    // The manifest comes last, and makes it one.
    if (!files.some((file) => file.endsWith(".manifest.json"))) return null;
    return files.find((file) => file.endsWith(".chunks")) ?? null;
  }

  async function restartScheduler(): Promise<string> {
    const log = join(cluster.home, "logs", "scheduler.log");
    const before = readFileSync(log, "utf8").length;
    const killed = cluster.kill("scheduler");
    await until("another scheduler leads", async () => {
      const now = cluster.part("scheduler");
      if (now === null || now.startTicks === killed.startTicks) return false;
      return (await callApi(operator, "cluster.status", {})).leader.endsWith(`:${now.pid}`);
    });
    return readFileSync(log, "utf8").slice(before);
  }

  async function expectEverythingThere(): Promise<void> {
    const often = await callApi(operator, "workload.get", { workload: "often" });
    expect(often.spec.task.env).toEqual({ NUMBER: String(ENTRIES - 1) });
    await callApi(operator, "workload.get", { workload: "after" });
    expect(await judgeLog(scheduler, [{ name: "often" }, { name: "after" }])).toEqual(sound);
  }

  const damages: readonly (readonly [string, (bytes: Buffer) => Buffer])[] = [
    ["has one bit flipped", (bytes) => flipped(bytes, Math.floor(bytes.length / 2))],
    ["is cut off in the middle", (bytes) => bytes.subarray(0, Math.floor(bytes.length / 2))],
    ["is empty", () => Buffer.alloc(0)],
  ];
  for (const [what, damage] of damages) {
    it(`[INV3] and ${what} is named and passed over, and stays as it is; the log has everything`, async () => {
      const damaged = damage(whole);
      writeFileSync(chunks, damaged);
      const said = await restartScheduler();
      expect(said).toContain(chunks.split("/").at(-1)?.replace(".chunks", ""));
      await expectEverythingThere();
      expect(readFileSync(chunks).equals(damaged)).toBe(true);
    });
  }

  it("and put back in its place is used again, without a word of complaint", async () => {
    writeFileSync(chunks, whole);
    expect(await restartScheduler()).not.toContain('"level":"warn"');
    await expectEverythingThere();
    expect(statSync(chunks).size).toBe(whole.length);
  });
});

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
  return copy;
}
