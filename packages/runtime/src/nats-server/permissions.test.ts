import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LOG_STREAM, LOG_SUBJECT, NodeId, subjects } from "@berth/protocol";
import {
  connect,
  type ConnectionOptions,
  consumerOpts,
  type NatsConnection,
  NatsError,
  nkeyAuthenticator,
  nkeys,
} from "nats";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Credential, ensureNatsServer, type NatsServer, startNatsServer } from "./index.ts";

let home: string;
let server: NatsServer;
let agentId: NodeId;
const otherAgent = nkeys.createUser();
const otherId = NodeId.parse(otherAgent.getPublicKey());
const clients: NatsConnection[] = [];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "berth-permissions-"));
  const { path } = await ensureNatsServer();
  server = await startNatsServer({ path, home, agentKeys: [otherId] });
  agentId = NodeId.parse(server.credentials.agent.publicKey);
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});
afterAll(async () => {
  await server.stop();
  await rm(home, { recursive: true, force: true });
});

interface Client {
  readonly connection: NatsConnection;
  /** The subjects that the server has refused so far, as `publish x` and `subscription y`. */
  refused(): Promise<string[]>;
}

async function enter(credential: Credential): Promise<Client> {
  return open(credential.publicKey, await readFile(credential.seedFile));
}

async function open(publicKey: string, seed: Uint8Array): Promise<Client> {
  const text = new TextDecoder().decode(seed).trim();
  const options: ConnectionOptions = {
    servers: server.url,
    authenticator: nkeyAuthenticator(new TextEncoder().encode(text)),
    inboxPrefix: subjects.inbox(publicKey),
    reconnect: false,
  };
  const connection = await connect(options);
  clients.push(connection);
  const refusals: string[] = [];
  void (async () => {
    for await (const status of connection.status()) {
      const { permissionContext: context } = status;
      if (context) refusals.push(`${context.operation} ${context.subject}`);
    }
  })();
  return {
    connection,
    refused: async () => {
      // The server answers in order: what it refused comes before the answer to this ping.
      await connection.flush();
      await new Promise(setImmediate);
      return refusals;
    },
  };
}

const text = (message: string) => new TextEncoder().encode(message);

async function createLog(scheduler: Client): Promise<void> {
  const manager = await scheduler.connection.jetstreamManager();
  await manager.streams.add({ name: LOG_STREAM, subjects: [LOG_SUBJECT] });
  await scheduler.connection.jetstream().publish(LOG_SUBJECT, text("first"));
}

describe("the server's door", () => {
  test("nobody connects without a key", async () => {
    await expect(connect({ servers: server.url, reconnect: false })).rejects.toThrow(NatsError);
  });

  test("a key that is not in the configuration is refused", async () => {
    const stranger = nkeys.createUser();
    await expect(open(stranger.getPublicKey(), stranger.getSeed())).rejects.toThrow(NatsError);
  });

  test("it listens on loopback only", async () => {
    expect(new URL(server.url).hostname).toBe("127.0.0.1");
    expect(await readFile(join(home, "nats", "nats.conf"), "utf8")).toContain(
      'listen: "127.0.0.1:',
    );
  });
});

describe("an agent", () => {
  test("speaks for itself, and hears what is meant for it", async () => {
    const scheduler = await enter(server.credentials.scheduler);
    const agent = await enter(server.credentials.agent);
    scheduler.connection.subscribe(subjects.agentEvery("hello"), {
      callback: (_, message) => void message.respond(text("welcome")),
    });
    await scheduler.connection.flush();
    const reply = await agent.connection.request(subjects.agent(agentId, "hello"), text("hello"));
    expect(reply.string()).toBe("welcome");
    expect(await agent.refused()).toEqual([]);
  });

  test("answers a request for logs that a person makes", async () => {
    const agent = await enter(server.credentials.agent);
    const operator = await enter(server.credentials.operator);
    agent.connection.subscribe(subjects.node(agentId, "logs"), {
      callback: (_, message) => void message.respond(text("a line")),
    });
    await agent.connection.flush();
    const reply = await operator.connection.request(subjects.node(agentId, "logs"), text("tail"));
    expect(reply.string()).toBe("a line");
  });

  test("cannot beat for another node", async () => {
    const agent = await enter(server.credentials.agent);
    agent.connection.publish(subjects.agent(otherId, "beat"));
    expect(await agent.refused()).toEqual([`publish ${subjects.agent(otherId, "beat")}`]);
  });

  test("cannot read another's orders, another's replies or everything", async () => {
    const agent = await open(otherId, otherAgent.getSeed());
    const foreign = [subjects.nodeAll(agentId), `${subjects.inbox(agentId)}.>`, "_INBOX.>", ">"];
    for (const subject of foreign) agent.connection.subscribe(subject, { callback: () => {} });
    expect(await agent.refused()).toEqual(foreign.map((subject) => `subscription ${subject}`));
  });

  test("cannot touch the log, the engine or the api", async () => {
    const agent = await enter(server.credentials.agent);
    const foreign = [
      LOG_SUBJECT,
      `$JS.API.STREAM.DELETE.${LOG_STREAM}`,
      `$JS.API.STREAM.MSG.GET.${LOG_STREAM}`,
      subjects.api("workload.apply"),
      subjects.nodeDesired(agentId),
      "_INBOX.anybody",
    ];
    for (const subject of foreign) agent.connection.publish(subject);
    expect(await agent.refused()).toEqual(foreign.map((subject) => `publish ${subject}`));
  });
});

describe("the console's gateway", () => {
  test("reads the log by position, from its start and live", async () => {
    const scheduler = await enter(server.credentials.scheduler);
    await createLog(scheduler);
    const gateway = await enter(server.credentials.gateway);
    const manager = await gateway.connection.jetstreamManager();
    const { state } = await manager.streams.info(LOG_STREAM);
    expect(state.last_seq).toBeGreaterThan(0);
    const first = await manager.streams.getMessage(LOG_STREAM, { seq: state.first_seq });
    expect(first.string()).toBe("first");

    const consumer = await gateway.connection.jetstream().consumers.get(LOG_STREAM, {
      opt_start_seq: 1,
    });
    const messages = await consumer.consume();
    await scheduler.connection.jetstream().publish(LOG_SUBJECT, text("second"));
    const seen: string[] = [];
    for await (const message of messages) {
      seen.push(message.string());
      if (message.string() === "second") break;
    }
    expect(seen[0]).toBe("first");
    expect(await gateway.refused()).toEqual([]);
  });

  test("reads the log through a push-ordered subscription too", async () => {
    const scheduler = await enter(server.credentials.scheduler);
    await createLog(scheduler);
    const gateway = await enter(server.credentials.gateway);
    const ordered = consumerOpts().orderedConsumer().startSequence(1);
    const subscription = await gateway.connection
      .jetstream()
      .subscribe(LOG_SUBJECT, ordered.bindStream(LOG_STREAM));
    for await (const message of subscription) {
      expect(message.string()).toBe("first");
      break;
    }
    expect(await gateway.refused()).toEqual([]);
  });

  test("cannot write the log, change the stream or speak for a node", async () => {
    const gateway = await enter(server.credentials.gateway);
    const foreign = [
      LOG_SUBJECT,
      `$JS.API.STREAM.PURGE.${LOG_STREAM}`,
      `$JS.API.STREAM.UPDATE.${LOG_STREAM}`,
      subjects.agent(agentId, "report"),
      subjects.nodeDesired(agentId),
    ];
    for (const subject of foreign) gateway.connection.publish(subject);
    expect(await gateway.refused()).toEqual(foreign.map((subject) => `publish ${subject}`));
  });
});

describe("an operator", () => {
  test("asks the api and hears usage, and can do nothing else", async () => {
    const operator = await enter(server.credentials.operator);
    operator.connection.subscribe(subjects.agentEvery("usage"), { callback: () => {} });
    operator.connection.publish(subjects.api("cluster.status"));
    expect(await operator.refused()).toEqual([]);
    const foreign = [LOG_SUBJECT, subjects.agent(agentId, "beat"), subjects.nodeDesired(agentId)];
    for (const subject of foreign) operator.connection.publish(subject);
    operator.connection.publish(`$JS.API.STREAM.INFO.${LOG_STREAM}`);
    expect(await operator.refused()).toEqual([
      ...foreign.map((subject) => `publish ${subject}`),
      `publish $JS.API.STREAM.INFO.${LOG_STREAM}`,
    ]);
  });
});
