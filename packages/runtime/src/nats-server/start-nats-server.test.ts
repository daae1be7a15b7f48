import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BerthError, subjects } from "@berth/protocol";
import { connect, type NatsConnection, nkeyAuthenticator } from "nats";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  ensureNatsServer,
  type NatsServer,
  prepareCredentials,
  renderNatsConfig,
  startNatsServer,
} from "./index.ts";

let home: string;
const running: NatsServer[] = [];
const { path } = await ensureNatsServer();

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "berth-nats-"));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
  await rm(home, { recursive: true, force: true });
});

async function start(port = 0): Promise<NatsServer> {
  const server = await startNatsServer({ path, home, port });
  running.push(server);
  return server;
}

async function asScheduler(server: NatsServer): Promise<NatsConnection> {
  const { publicKey, seedFile } = server.credentials.scheduler;
  const seed = new TextEncoder().encode((await readFile(seedFile, "utf8")).trim());
  return connect({
    servers: server.url,
    authenticator: nkeyAuthenticator(seed),
    inboxPrefix: subjects.inbox(publicKey),
  });
}

describe("a started server", () => {
  test("accepts as soon as it is returned, on the port that it names", async () => {
    const server = await start();
    const connection = await asScheduler(server);
    expect(connection.info?.version).toBe(server.version);
    expect(connection.info?.jetstream).toBe(true);
    await connection.close();
  });

  test("keeps its streams and its keys when it is stopped and started again", async () => {
    const first = await start();
    const before = await asScheduler(first);
    const manager = await before.jetstreamManager();
    await manager.streams.add({ name: "KEPT", subjects: ["berth.kept"] });
    await before.jetstream().publish("berth.kept", "one");
    await before.close();
    await first.stop();
    expect(await first.exited).toEqual({ code: 0, signal: null });

    const second = await start(first.port);
    expect(second.port).toBe(first.port);
    expect(second.credentials).toEqual(first.credentials);
    const after = await asScheduler(second);
    const { state } = await (await after.jetstreamManager()).streams.info("KEPT");
    expect(state.messages).toBe(1);
    await after.close();
  });

  test("tells when it is killed", async () => {
    const server = await start();
    process.kill(server.pid, "SIGKILL");
    expect(await server.exited).toEqual({ code: null, signal: "SIGKILL" });
    await server.stop();
  });

  test("ends the one that a killed owner left on the same home, and no other process", async () => {
    const left = await start();
    const next = await start();
    await left.exited;
    expect(next.pid).not.toBe(left.pid);
    await next.stop();

    const bystander = spawn("sleep", ["60"]);
    await writeFile(join(home, "nats", "nats.pid"), String(bystander.pid));
    await start();
    expect(bystander.exitCode).toBeNull();
    expect(bystander.signalCode).toBeNull();
    bystander.kill();
    await once(bystander, "exit");
  });

  test("refuses a port that is taken, in so many words", async () => {
    const { port } = await start();
    const otherHome = await mkdtemp(join(tmpdir(), "berth-nats-"));
    try {
      const error = await startNatsServer({ path, home: otherHome, port }).catch(
        (reason) => reason,
      );
      expect(error).toBeInstanceOf(BerthError);
      expect(error.code).toBe("conflict");
      expect(error.message).toContain(String(port));
    } finally {
      await rm(otherHome, { recursive: true, force: true });
    }
  });
});

describe("credentials", () => {
  test("are readable by their owner only, and are made once", async () => {
    const folder = join(home, "credentials");
    const [first, second] = await Promise.all([
      prepareCredentials(folder),
      prepareCredentials(folder),
    ]);
    expect(second).toEqual(first);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(first.agent.seedFile)).mode & 0o777).toBe(0o600);
    expect(new Set(Object.values(first).map(({ publicKey }) => publicKey)).size).toBe(4);
  });

  test("that are damaged are reported with the file's name, and not replaced", async () => {
    const folder = join(home, "credentials");
    const { agent } = await prepareCredentials(folder);
    await writeFile(agent.seedFile, "not a seed\n");
    await expect(prepareCredentials(folder)).rejects.toThrow(agent.seedFile);
    expect(await readFile(agent.seedFile, "utf8")).toBe("not a seed\n");
  });

  test("appear in the configuration as public keys only", async () => {
    await start();
    const config = await readFile(join(home, "nats", "nats.conf"), "utf8");
    const seed = (await readFile(join(home, "credentials", "agent.nk"), "utf8")).trim();
    expect(seed).toMatch(/^SU/);
    expect(config).not.toContain(seed);
  });
});

test("a server that can sync before it acknowledges is told to", async () => {
  const options = {
    port: 0,
    storeFolder: "store",
    pidFile: "pid",
    portsFolder: "ports",
    logFile: "log",
    credentials: await prepareCredentials(join(home, "credentials")),
  };
  expect(renderNatsConfig({ ...options, serverVersion: "2.10.0" })).toContain(
    "sync_interval: always",
  );
  expect(renderNatsConfig({ ...options, serverVersion: "2.9.25" })).not.toContain("sync_interval");
});
