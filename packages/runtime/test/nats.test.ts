import { connect, nkeyAuthenticator } from "nats";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { LEASE_STREAM, LOG_STREAM } from "@berth/protocol";
import { memoryLogger } from "../src/memory/index.ts";
import {
  connectBus,
  ensureLeaseStream,
  ensureLogStream,
  type NatsBus,
  natsLease,
  natsLog,
  openBus,
} from "../src/nats/index.ts";
import type { StoredEntry } from "../src/ports.ts";
import { describeBus } from "./bus-contract.ts";
import { describeLease } from "./lease-contract.ts";
import { bytes, describeLog, readAll } from "./log-contract.ts";
import { until } from "./until.ts";
import { findNatsServer, startTestServer, type TestServer } from "./with-nats-server.ts";

const program = await findNatsServer();

describe.skipIf(program === null)("over a real nats-server", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer(program ?? "");
  });
  afterAll(() => server.dispose());

  const join = (name: string, logger = memoryLogger()): Promise<NatsBus> =>
    connectBus({
      servers: server.url,
      seedFile: server.credentials.scheduler.seedFile,
      name,
      logger,
      pingIntervalMs: 1_000,
      reconnectWaitMs: 20,
      reconnectJitterMs: 10,
    });

  async function emptyLog(): Promise<NatsBus> {
    const bus = await join("log");
    const manager = await bus.connection?.jetstreamManager({ checkAPI: false });
    await manager?.streams.delete(LOG_STREAM).catch(() => false);
    await ensureLogStream(bus);
    return bus;
  }

  describeBus("NATS", async () => {
    const [left, right] = [await join("left"), await join("right")];
    return {
      left,
      right,
      dispose: async () => {
        await Promise.all([left.close(), right.close()]);
      },
    };
  });

  describeLog("JetStream", async () => {
    const bus = await emptyLog();
    const other = await join("rival");
    return {
      log: natsLog(bus),
      rival: natsLog(other),
      dispose: async () => {
        await Promise.all([bus.close(), other.close()]);
      },
    };
  });

  describeLease("JetStream", async () => {
    const bus = await emptyLog();
    const other = await join("rival");
    const options = { ttlMs: 500, requestTimeoutMs: 2_000 };
    const manager = await bus.connection?.jetstreamManager({ checkAPI: false });
    await manager?.streams.delete(LEASE_STREAM).catch(() => false);
    await ensureLeaseStream(bus, options.ttlMs);
    return {
      lease: natsLease(bus, options),
      rival: natsLease(other, options),
      dispose: async () => {
        await Promise.all([bus.close(), other.close()]);
      },
    };
  });

  it("counts messages that are not JSON, logs the first of each subject and goes on", async () => {
    const logger = memoryLogger();
    const bus = await join("receiver", logger);
    const seen: unknown[] = [];
    bus.subscribe("berth.api.raw", ({ body }) => seen.push(body));
    const seed = await readFile(server.credentials.scheduler.seedFile);
    const raw = await connect({
      servers: server.url,
      authenticator: nkeyAuthenticator(new Uint8Array(seed).slice(0, 58)),
    });
    await bus.connection?.flush();
    for (const text of ["{", "not json", "", '"json"']) raw.publish("berth.api.raw", text);
    await until("the good one came", () => seen.length === 1);
    expect(seen).toEqual(["json"]);
    expect(logger.counts().get("malformed berth.api.raw")).toBe(3);
    expect(logger.lines.filter(({ message }) => message.includes("not JSON"))).toHaveLength(1);
    await raw.close();
    await bus.close();
  });

  it("names the address when nothing listens there", async () => {
    await expect(
      connectBus({ servers: "nats://127.0.0.1:9", name: "nobody", connectTimeoutMs: 2_000 }),
    ).rejects.toMatchObject({
      code: "unreachable",
      message: expect.stringContaining("nats://127.0.0.1:9"),
    });
  });

  it("says denied when the server does not know the credentials", async () => {
    const stranger = "SUAMLK2ZNL35WSMW37E7UD4VZ7ELPKW7DHC3BWBSD2GCZ7IUQQXZIORRBU";
    await expect(
      connectBus({ servers: server.url, name: "stranger", seed: stranger }),
    ).rejects.toMatchObject({ code: "denied" });
  });

  it("says denied for a subject that the credentials do not cover", async () => {
    const bus = await connectBus({
      servers: server.url,
      name: "operator",
      seedFile: server.credentials.operator.seedFile,
    });
    await expect(bus.request("berth.log", {}, { timeoutMs: 500 })).rejects.toMatchObject({
      name: "BerthError",
    });
    await bus.close();
  });

  it("lets a gateway follow the log without the right to write it", async () => {
    const bus = await emptyLog();
    const log = natsLog(bus);
    await log.append(bytes("one"), 0);
    const gateway = await connectBus({
      servers: server.url,
      name: "gateway",
      seedFile: server.credentials.gateway.seedFile,
    });
    const reader = natsLog(gateway, { appendTimeoutMs: 300 });
    expect(await readAll(reader, 1)).toEqual([[1, "one"]]);
    const seen: number[] = [];
    const tail = reader.tail(1, ({ seq }) => seen.push(seq), fail);
    await log.append(bytes("two"), 1);
    await until("both came", () => seen.length === 2);
    expect((await reader.append(bytes("forged"), 2)).result).toBe("ambiguous");
    expect(await log.bounds()).toEqual({ first: 1, last: 2 });
    tail.unsubscribe();
    await Promise.all([gateway.close(), bus.close()]);
  });

  describe("that is killed and started again", () => {
    let own: TestServer;
    let bus: NatsBus;
    beforeEach(async () => {
      own = await startTestServer(program ?? "");
      bus = await openBus({
        servers: own.url,
        seedFile: own.credentials.scheduler.seedFile,
        name: "survivor",
        reconnectWaitMs: 20,
        reconnectJitterMs: 10,
      });
      await until("connected", () => bus.status === "connected");
      await ensureLogStream(bus);
      return async () => {
        await bus.close();
        await own.dispose();
      };
    });

    it("keeps subscriptions, and fails what waits for an answer at once", async () => {
      const seen: unknown[] = [];
      bus.subscribe("berth.api.stay", ({ body }) => seen.push(body));
      bus.subscribe("berth.api.mute", () => {});
      const startMs = performance.now();
      const waiting = bus
        .request("berth.api.mute", {}, { timeoutMs: 60_000 })
        .catch((cause: unknown) => cause);
      own = await own.killAndRestart();
      expect(await waiting).toMatchObject({ code: "timeout" });
      expect(performance.now() - startMs).toBeLessThan(30_000);
      await until("reconnected", () => bus.status === "connected");
      bus.publish("berth.api.stay", "again");
      await until("it came", () => seen.length === 1);
    });

    it("drops what is published meanwhile instead of sending it later", async () => {
      const seen: unknown[] = [];
      bus.subscribe("berth.api.drop", ({ body }) => seen.push(body));
      await own.kill();
      await until("noticed", () => bus.status === "disconnected");
      bus.publish("berth.api.drop", "lost");
      await expect(bus.request("berth.api.drop", 1, { timeoutMs: 100 })).rejects.toMatchObject({
        code: "unreachable",
      });
      own = await own.killAndRestart();
      await until("reconnected", () => bus.status === "connected");
      bus.publish("berth.api.drop", "sent");
      await until("it came", () => seen.length > 0);
      expect(seen).toEqual(["sent"]);
    });

    it("forgets the lease, which anyone may then take anew", async () => {
      const options = { ttlMs: 60_000, requestTimeoutMs: 2_000 };
      await ensureLeaseStream(bus, options.ttlMs);
      const lease = natsLease(bus, options);
      expect(await lease.put({ holder: "one" }, 0)).toEqual({ result: "stored", seq: 1 });
      own = await own.killAndRestart();
      await until("reconnected", () => bus.status === "connected");
      expect(await lease.observe()).toEqual({ seq: 0, body: null });
      expect(await lease.put({ holder: "two" }, 0)).toEqual({ result: "stored", seq: 1 });
    });

    it("keeps every acknowledged entry, and its tails go on without gap or repetition", async () => {
      const log = natsLog(bus);
      const seen: StoredEntry[] = [];
      const tail = log.tail(1, (entry) => seen.push(entry), fail);
      let last = 0;
      for (let round = 0; round < 3; round += 1) {
        for (let number = 0; number < 50; number += 1) {
          const appended = await log.append(bytes(`entry ${last + 1}`), last);
          expect(appended.result).toBe("appended");
          last += 1;
        }
        own = await own.killAndRestart();
        await until("reconnected", () => bus.status === "connected");
      }
      expect(await log.bounds()).toEqual({ first: 1, last });
      await until("the tail has all", () => seen.length === last);
      expect(seen.map(({ seq }) => seq)).toEqual(Array.from({ length: last }, (_, at) => at + 1));
      tail.unsubscribe();
    });

    it("calls an append ambiguous when the server dies under it", async () => {
      const log = natsLog(bus);
      process.kill(own.pid, "SIGSTOP");
      const appending = log.append(bytes("one"), 0);
      await own.kill();
      expect((await appending).result).toBe("ambiguous");
      own = await own.killAndRestart();
    });
  });
});

function fail(): never {
  throw new Error("must not be called");
}
