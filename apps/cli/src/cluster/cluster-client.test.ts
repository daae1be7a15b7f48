import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ClusterClient } from "./cluster-client.ts";
import { type ClusterFile, writeClusterFile } from "./cluster-file.ts";
import { identityOf } from "./process-identity.ts";

/** A NATS server, as far as one request goes: it says who answers, or that nobody does. */
class FakeServer {
  answer: unknown = null;
  readonly #server: Server = createServer((socket) => this.#greet(socket));

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return `nats://127.0.0.1:${address.port}`;
  }

  close(): void {
    this.#server.close();
  }

  #greet(socket: Socket): void {
    socket.on("error", () => {});
    socket.write('INFO {"server_id":"fake"}\r\n');
    socket.on("data", (data: Buffer) => {
      for (const [, reply] of data.toString().matchAll(/PUB \S+ (\S+) \d+\r\n/g)) {
        const text = this.answer === null ? null : JSON.stringify(this.answer);
        const status = "NATS/1.0 503\r\n\r\n";
        if (text !== null) socket.write(`MSG ${reply} 1 ${text.length}\r\n${text}\r\n`);
        else socket.write(`HMSG ${reply} 1 ${status.length} ${status.length}\r\n${status}\r\n`);
      }
    });
  }
}

const ANSWER = { ok: true, value: { ready: true }, seq: 1 };
const NOT_LEADER = {
  ok: false,
  error: { code: "not_leader", message: "an election is on", retryable: true },
};
const OVERLOADED = { ok: false, error: { ...NOT_LEADER.error, code: "overloaded" } };
/** So far apart that a slow machine changes nothing. The note comes when `answerMs` are long over. */
const patience = { answerMs: 700, electionMs: 60_000, noteAfterMs: 1_200 };

let home: string;
let server: FakeServer;
let url: string;
let notes: string[] = [];
let client: ClusterClient | null = null;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "berth-client-"));
  server = new FakeServer();
  url = await server.listen();
  notes = [];
});
afterEach(() => {
  client?.close();
  server.close();
  rmSync(home, { recursive: true });
});

async function connect(
  replicas: 1 | 3,
  natsUrl: string,
  onWaiting: () => void = () => {},
): Promise<ClusterClient> {
  const seedFile = join(home, "seed");
  writeFileSync(seedFile, "");
  const file: Partial<ClusterFile> = {
    v: 1,
    replicas,
    natsUrl,
    credentials: { operator: { publicKey: "U", seedFile } } as ClusterFile["credentials"],
    supervisor: identityOf(process.pid),
  };
  await writeClusterFile(home, file as ClusterFile);
  client = new ClusterClient(home, {
    patience,
    onWaiting: (note) => {
      notes.push(note);
      onWaiting();
    },
  });
  return client;
}

/** Where nobody listens any more. */
async function closedUrl(): Promise<string> {
  const other = new FakeServer();
  const address = await other.listen();
  other.close();
  return address;
}

describe("while nobody leads", () => {
  test.each([
    ["nobody answers at all", null],
    ["a scheduler says that another one must lead", NOT_LEADER],
  ])("a command to several servers waits for the election, and says so: %s", async (_, answer) => {
    server.answer = answer;
    const calling = await connect(3, url, () => (server.answer = ANSWER));
    expect(await calling.call("cluster.status", {})).toEqual({ ready: true });
    expect(notes).toEqual([expect.stringMatching(/; waiting for up to 60 s$/)]);
  });

  test("one server is dead, another one waits for the election", async () => {
    const urls = [await closedUrl(), await closedUrl(), url].join(",");
    const calling = await connect(3, urls, () => (server.answer = ANSWER));
    expect(await calling.call("cluster.status", {})).toEqual({ ready: true });
  });

  test("a command to a single server ends soon: there is no election to wait for", async () => {
    server.answer = NOT_LEADER;
    const calling = await connect(1, url);
    await expect(calling.call("cluster.status", {})).rejects.toMatchObject({ code: "not_leader" });
  });

  test("other refusals that may be retried are not waited for as long", async () => {
    server.answer = OVERLOADED;
    const calling = await connect(3, url);
    await expect(calling.call("cluster.status", {})).rejects.toMatchObject({ code: "overloaded" });
  });
});

test("where no server can be reached a command ends soon, and names the address", async () => {
  const closed = await Promise.all([closedUrl(), closedUrl(), closedUrl()]);
  const calling = await connect(3, closed.join(","));
  const refusal = calling.call("cluster.status", {});
  await expect(refusal).rejects.toMatchObject({ code: "unreachable" });
  await expect(refusal).rejects.toThrow(/cannot reach nats:\/\/127.0.0.1:\d+: connection refused/);
});
