import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memoryLogger } from "../src/memory/index.ts";
import {
  connectBus,
  ensureLogStream,
  logPlacement,
  type NatsBus,
  natsLog,
} from "../src/nats/index.ts";
import {
  CLUSTER_MINIMUM_VERSION,
  type NatsServer,
  startNatsServer,
} from "../src/nats-server/index.ts";
import { readAll } from "./log-contract.ts";
import { until } from "./until.ts";
import { findNatsServer } from "./with-nats-server.ts";

const program = await findNatsServer(CLUSTER_MINIMUM_VERSION);
const oldest = await findNatsServer();
const names = ["nats-1", "nats-2", "nats-3"];
/** A cluster needs this long to replace a leader that is gone, by its own fixed timing. */
const ELECTION_MS = 20_000;

describe.skipIf(program === null)(
  `a cluster of three (needs nats-server ${CLUSTER_MINIMUM_VERSION})`,
  () => {
    let home: string;
    let routePorts: number[];
    const servers = new Map<string, NatsServer>();
    const buses: NatsBus[] = [];

    beforeAll(async () => {
      home = await mkdtemp(join(tmpdir(), "berth-cluster-"));
      routePorts = await freePorts(names.length);
      await Promise.all(names.map(startMember));
    });
    afterAll(async () => {
      await Promise.all(buses.map((bus) => bus.close()));
      await Promise.all([...servers.values()].map((server) => server.stop()));
      await rm(home, { recursive: true, force: true });
    });

    async function startMember(name: string): Promise<void> {
      const member = { name, routePort: routePorts[names.indexOf(name)] ?? 0, routePorts };
      const port = servers.get(name)?.port ?? 0;
      servers.set(name, await startNatsServer({ path: program ?? "", home, port, member }));
    }

    async function join3(): Promise<NatsBus> {
      const bus = await connectBus({
        servers: [...servers.values()].map(({ url }) => url).join(","),
        seedFile: join(home, "credentials", "scheduler.nk"),
        name: "test",
        reconnectWaitMs: 20,
        reconnectJitterMs: 10,
      });
      buses.push(bus);
      return bus;
    }

    it("refuses to guess how many copies a new log gets", async () => {
      const bus = await join3();
      await expect(
        until("the engine answers", () => ensureLogStream(bus).then(() => true, unlessRetryable)),
      ).rejects.toMatchObject({ code: "invalid", hint: expect.stringContaining("--replicas 3") });
    });

    it("keeps three copies when asked, and never silently one", async () => {
      const bus = await join3();
      await Promise.all([1, 2, 3].map(() => untilThere(bus)));
      await ensureLogStream(bus);
      expect((await logPlacement(bus)).replicas).toBe(3);
      await expect(ensureLogStream(bus, { replicas: 1 })).rejects.toMatchObject({
        code: "conflict",
        details: { asked: 1, found: 3 },
      });
    });

    it("[INV3] keeps what it acknowledged when the leader of the stream is killed, and goes on", {
      timeout: 3 * ELECTION_MS,
    }, async () => {
      const bus = await join3();
      await untilThere(bus);
      const log = natsLog(bus);
      const { last } = await log.bounds();
      const first = await log.append(new TextEncoder().encode("before"), last);
      expect(first).toEqual({ result: "appended", seq: last + 1 });

      const { leader } = await logPlacement(bus);
      const killed = servers.get(leader ?? "");
      if (killed === undefined) throw new Error("no server leads the stream");
      process.kill(killed.pid, "SIGKILL");
      await killed?.exited;
      await until("the others take appends", async () => {
        const { result } = await log.append(new TextEncoder().encode("after"), last + 1);
        // An ambiguous one may have been stored: then the guard says so.
        return result === "appended" || result === "conflict";
      });
      let texts: string[] = [];
      const read = async () => {
        texts = (await readAll(log, last + 1)).map(([, text]) => text);
        return true;
      };
      // Who took the append may hand the stream on once more.
      await until("the others can be read", () => read().catch(unlessRetryable));
      expect(texts).toEqual(["before", "after"]);

      await startMember(leader ?? "");
      await until("it has caught up", async () => (await logPlacement(bus)).current.length === 2);
    });

    it("lets no server in that does not know the routes' secret, and keeps it from other users", async () => {
      const [file, config] = [
        join(home, "credentials", "routes.key"),
        join(home, "nats-1/nats.conf"),
      ];
      const secret = (await readFile(file, "utf8")).trim();
      expect(await readFile(config, "utf8")).toContain(secret);
      expect((await stat(config)).mode & 0o777).toBe(0o600);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect(await answerToRoute(routePorts[0] ?? 0, "0".repeat(64))).toContain("Authorization");
    });
  },
);

/** What a server says to another one that brings this secret. */
function answerToRoute(port: number, secret: string): Promise<string> {
  const socket = createConnection({ host: "127.0.0.1", port });
  const stranger = { user: "route", pass: secret, name: "stranger", server_id: "stranger" };
  let heard = "";
  return new Promise((resolve, reject) => {
    socket.on("data", (chunk: Buffer) => (heard += chunk.toString()));
    socket.once("data", () => socket.write(`CONNECT ${JSON.stringify(stranger)}\r\nPING\r\n`));
    socket.once("close", () => resolve(heard));
    socket.once("error", reject);
  });
}

describe.skipIf(oldest === null)("a server alone", () => {
  it("does not keep three copies of a log, and says so at once", async () => {
    const home = await mkdtemp(join(tmpdir(), "berth-alone-"));
    const path = program ?? oldest ?? "";
    const server = await startNatsServer({ path, home });
    const bus = await connectBus({
      servers: server.url,
      seedFile: server.credentials.scheduler.seedFile,
      name: "test",
    });
    try {
      await expect(ensureLogStream(bus, { replicas: 3 })).rejects.toMatchObject({
        code: "invalid",
        retryable: false,
      });
      await ensureLogStream(bus, { replicas: 1 });
      await expect(ensureLogStream(bus, { replicas: 3 })).rejects.toMatchObject({
        code: expect.stringMatching(/conflict|invalid/),
        retryable: false,
      });
      expect(await logPlacement(bus)).toMatchObject({ replicas: 1, current: [] });
    } finally {
      await bus.close();
      await server.stop();
      await rm(home, { recursive: true, force: true });
    }
  });
});

async function untilThere(bus: NatsBus): Promise<void> {
  const options = { replicas: 3, logger: memoryLogger() } as const;
  await until("the log is there", () =>
    ensureLogStream(bus, options).then(() => true, unlessRetryable),
  );
}

/** False, to try again, for what passes; everything else is thrown. */
function unlessRetryable(cause: unknown): false {
  if (cause instanceof Error && "retryable" in cause && cause.retryable === true) return false;
  throw cause;
}

async function freePorts(count: number): Promise<number[]> {
  const probes = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(
    probes.map((probe) => new Promise((resolve) => probe.once("listening", resolve))),
  );
  const ports = probes.map((probe) => {
    const address = probe.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  });
  await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))));
  return ports;
}
