import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import {
  FEED_PATH,
  FEED_VERSION,
  type FeedDelta,
  feedCloseCodes,
  FeedFrame,
  type FeedHello,
  LogsReply,
  NodeDetail,
  Why,
  WireError,
  type WorkloadInput,
  WorkloadDetail,
} from "@berth/protocol";
import { type MemoryLogger, memoryLogger } from "@berth/runtime/memory";
import { nodeClock, nodeRandom } from "@berth/runtime/node";
import { FakeCluster } from "../../test/fake-cluster.ts";
import { until } from "../../test/until.ts";
import type { Gateway } from "./gateway-options.ts";
import { serveGateway } from "./start-gateway.ts";

const web = {
  kind: "service",
  name: "web",
  count: 3,
  task: { command: ["serve"] },
} as WorkloadInput;
const impossible = {
  kind: "batch",
  name: "train",
  task: { command: ["train"] },
  resources: { gpu: { count: 8 } },
} as WorkloadInput;

let webFolder = "";
beforeAll(async () => {
  webFolder = await mkdtemp(join(tmpdir(), "berth-console-page-"));
  await mkdir(join(webFolder, "assets"));
  await writeFile(join(webFolder, "index.html"), "<!doctype html><title>Berth</title>");
  await writeFile(join(webFolder, "assets", "page-1.js"), "export {};");
});
afterAll(async () => {
  await rm(webFolder, { recursive: true });
});

interface World {
  readonly cluster: FakeCluster;
  readonly gateway: Gateway;
  readonly logger: MemoryLogger;
}

async function startWorld(options: { scheduler?: boolean } = {}): Promise<World> {
  const cluster = new FakeCluster({ clock: nodeClock, random: nodeRandom });
  onTestFinished(() => cluster.stop());
  if (options.scheduler !== false) {
    cluster.startScheduler();
    await until("the scheduler leads", () => cluster.isLeading);
    await cluster.join(1);
    await cluster.join(2);
  }
  const logger = memoryLogger();
  const gateway = await startGatewayOf(cluster, logger);
  return { cluster, gateway, logger };
}

async function startGatewayOf(cluster: FakeCluster, logger: MemoryLogger): Promise<Gateway> {
  const bus = cluster.connect("gateway");
  const gateway = await serveGateway({
    snapshots: [],
    bus,
    log: cluster.log,
    clock: nodeClock,
    random: nodeRandom,
    logger,
    port: 0,
    webFolder,
    allowedHosts: [],
  });
  onTestFinished(() => gateway.stop());
  return gateway;
}

/** Headers that `fetch` will not send, such as a foreign Host. */
function ask(
  gateway: Gateway,
  path: string,
  options: { method?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(`${gateway.url}${path}`, options, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
    });
    asked.on("error", reject);
    asked.end();
  });
}

async function get(gateway: Gateway, path: string): Promise<{ status: number; body: unknown }> {
  const { status, body } = await ask(gateway, path);
  return { status, body: JSON.parse(body) };
}

/** A page without a face. */
class Page {
  readonly frames: FeedFrame[] = [];
  readonly socket: WebSocket;
  closed: { code: number; reason: string } | null = null;

  constructor(gateway: Gateway, have: FeedHello["have"] = null) {
    this.socket = new WebSocket(`${gateway.url.replace("http", "ws")}${FEED_PATH}`, {
      origin: gateway.url,
    });
    this.socket.on("open", () => this.say({ type: "hello", v: FEED_VERSION, have }));
    this.socket.on("message", (data: Buffer) => {
      this.frames.push(FeedFrame.parse(JSON.parse(data.toString())));
    });
    this.socket.on("close", (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    onTestFinished(() => this.socket.terminate());
  }

  say(message: unknown): void {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  of<T extends FeedFrame["type"]>(type: T): Extract<FeedFrame, { type: T }>[] {
    return this.frames.filter((frame) => frame.type === type) as Extract<FeedFrame, { type: T }>[];
  }
}

async function snapshotOf(page: Page) {
  return until("the page has a snapshot", () => page.of("snapshot")[0]);
}

describe("the gateway's HTTP API", () => {
  it("answers the command line's reads with the same views", async () => {
    const { cluster, gateway } = await startWorld();
    await cluster.apply(web, impossible);
    const status = await until("all of it runs", async () => {
      const answer = await get(gateway, "/api/v1/status");
      const value = answer.body as { ready: boolean; allocations: { running: number } };
      return value.ready && value.allocations.running === 3 ? value : null;
    });
    expect(status).toEqual(await cluster.call("cluster.status", {}));
    const { nodes } = await cluster.call("node.list", {});
    expect((await get(gateway, "/api/v1/nodes")).body).toMatchObject({ nodes });
    const why = Why.parse((await get(gateway, "/api/v1/workloads/default/train/why")).body);
    expect(why.pending[0]?.explanation).toMatchObject({ reason: "no_fit", nodesTotal: 2 });
    const detail = WorkloadDetail.parse((await get(gateway, "/api/v1/workloads/default/web")).body);
    expect(detail.allocations).toHaveLength(3);
    const [first] = detail.allocations;
    const node = NodeDetail.parse((await get(gateway, `/api/v1/nodes/${first?.nodeName}`)).body);
    expect(node.id).toBe(first?.node);
    expect((await get(gateway, `/api/v1/allocations/${first?.id}`)).body).toMatchObject({
      id: first?.id,
    });
    const events = await get(gateway, "/api/v1/events?limit=2&newest=1");
    expect((events.body as { events: unknown[] }).events).toHaveLength(2);
  });

  it("fetches an allocation's output from its agent", async () => {
    const { cluster, gateway } = await startWorld();
    await cluster.apply({ ...web, count: 1 } as WorkloadInput);
    const agent = await until("it runs", () => cluster.agents.find((one) => one.running.length));
    const [running] = agent.running;
    if (running === undefined) throw new Error("nothing runs");
    agent.write(running.allocationId, "hello\n");
    const answer = await until("the gateway knows it", async () => {
      const one = await get(gateway, `/api/v1/allocations/${running.allocationId}/logs?tail=10`);
      return one.status === 200 ? one : null;
    });
    const chunk = LogsReply.parse(answer.body);
    expect(Buffer.from(chunk.data, "base64").toString()).toBe("hello\n");
    expect(chunk.nextOffset).toBe(6);
  });

  it("says what is wrong as a wire error with the right status", async () => {
    const { gateway } = await startWorld();
    await until("it is ready", async () => (await get(gateway, "/readyz")).status === 200);
    for (const [path, status, code] of [
      ["/api/v1/workloads/default/nothing", 404, "not_found"],
      ["/api/v1/nodes/nowhere", 404, "not_found"],
      ["/api/v1/allocations/a999", 404, "not_found"],
      ["/api/v1/allocations/a1/logs?stream=stdin", 400, "invalid"],
      ["/api/v1/events?limit=0", 400, "invalid"],
      ["/api/v1/events?limit=many", 400, "invalid"],
      ["/api/v1/nodes?after=the-last", 400, "invalid"],
      ["/api/v1/nothing", 404, "not_found"],
      ["/../../etc/passwd", 404, "not_found"],
    ] as const) {
      const answer = await get(gateway, path);
      expect([path, answer.status, WireError.parse(answer.body).code]).toEqual([
        path,
        status,
        code,
      ]);
    }
  });

  it("is not ready, and says so, until the log can be read", async () => {
    const cluster = new FakeCluster({ clock: nodeClock, random: nodeRandom });
    onTestFinished(() => cluster.stop());
    cluster.log.setAvailable(false);
    const gateway = await startGatewayOf(cluster, memoryLogger());
    expect((await get(gateway, "/healthz")).status).toBe(200);
    expect(await get(gateway, "/readyz")).toMatchObject({
      status: 503,
      body: { ready: false, upstream: { status: "catching_up" } },
    });
    expect((await get(gateway, "/api/v1/status")).status).toBe(503);
    cluster.log.setAvailable(true);
    await until("it is ready", async () => (await get(gateway, "/readyz")).status === 200);
  });

  it("only reads", async () => {
    const { gateway } = await startWorld({ scheduler: false });
    const answer = await ask(gateway, "/api/v1/status", { method: "POST" });
    expect(answer.status).toBe(405);
    expect(answer.headers["allow"]).toBe("GET, HEAD");
  });
});

describe("the gateway's guard", () => {
  it("refuses a name that is not its own: DNS rebinding", async () => {
    const { gateway } = await startWorld({ scheduler: false });
    for (const host of ["evil.example", `evil.example:${gateway.port}`, `127.0.0.1.evil:80`]) {
      expect((await ask(gateway, "/", { headers: { host } })).status).toBe(403);
    }
    const own = { host: `localhost:${gateway.port}` };
    expect((await ask(gateway, "/", { headers: own })).status).toBe(200);
  });

  it("refuses another site's requests", async () => {
    const { gateway } = await startWorld({ scheduler: false });
    const headers = { origin: "https://evil.example" };
    expect((await ask(gateway, "/api/v1/status", { headers })).status).toBe(403);
  });

  it.each([
    ["no origin", undefined],
    ["another site's origin", "https://evil.example"],
    ["a null origin", "null"],
  ])("refuses a WebSocket with %s before the handshake", async (_what, origin) => {
    const { gateway } = await startWorld({ scheduler: false });
    const socket = new WebSocket(
      `${gateway.url.replace("http", "ws")}${FEED_PATH}`,
      origin === undefined ? {} : { origin },
    );
    const status = await new Promise((resolve) => {
      socket.on("unexpected-response", (_request, response) => resolve(response.statusCode));
      socket.on("error", resolve);
    });
    expect(status).toBe(403);
  });

  it("sends a policy without anything inline, on refusals too", async () => {
    const { gateway } = await startWorld({ scheduler: false });
    for (const path of ["/", "/nothing", "/assets/page-1.js"]) {
      const { headers } = await ask(gateway, path);
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["content-security-policy"]).toContain("default-src 'none'");
      expect(headers["content-security-policy"]).not.toContain("unsafe");
    }
  });
});

describe("the gateway's feed", () => {
  it("is a snapshot and then every change, in order", async () => {
    const { cluster, gateway } = await startWorld();
    const page = new Page(gateway);
    const snapshot = await snapshotOf(page);
    expect(snapshot.nodes).toHaveLength(2);
    await cluster.apply(web);
    const deltas = await until("three run", () => {
      const all = page.of("delta");
      return all.at(-1)?.cluster.allocations.running === 3 ? all : null;
    });
    let seq = snapshot.seq;
    for (const delta of deltas) {
      expect(delta.previousSeq).toBe(seq);
      expect(delta.seq).toBeGreaterThan(seq);
      seq = delta.seq;
    }
    expect((await get(gateway, "/api/v1/snapshot")).body).toMatchObject({ seq, type: "snapshot" });
  });

  it("lets a returning page go on from where it was", async () => {
    const { cluster, gateway } = await startWorld();
    const { epoch, seq } = await snapshotOf(new Page(gateway));
    await cluster.apply(web);
    const back = new Page(gateway, { epoch, seq });
    const first = await until<FeedDelta>("it has a delta", () => back.of("delta")[0]);
    expect(first.previousSeq).toBe(seq);
    expect(back.of("snapshot")).toEqual([]);
  });

  it("gives a page of an earlier gateway a new snapshot", async () => {
    const { cluster, gateway } = await startWorld();
    const { epoch, seq } = await snapshotOf(new Page(gateway));
    const next = await startGatewayOf(cluster, memoryLogger());
    const snapshot = await snapshotOf(new Page(next, { epoch, seq }));
    expect(snapshot.epoch).not.toBe(epoch);
    expect(snapshot.seq).toBe(seq);
  });

  it("tells when the leader falls silent, and when the bus is lost", async () => {
    const { cluster, gateway } = await startWorld();
    const page = new Page(gateway);
    const upstream = () => page.of("pulse").at(-1)?.upstream.status;
    await until("it is live", () => upstream() === "live");
    await cluster.stopScheduler();
    await until("the leader is missed", () => upstream() === "leader_silent");
    cluster.startScheduler();
    await until("it is live again", () => upstream() === "live");
  });

  it("carries what agents measure, and nothing of strangers", async () => {
    const { cluster, gateway, logger } = await startWorld();
    const page = new Page(gateway);
    await snapshotOf(page);
    const [agent] = cluster.agents;
    const host = { cpuMillis: 700, memoryMiB: null, diskMiB: null, receivedMbps: null };
    agent?.reportUsage({ ...host, sentMbps: null, load1: 0.5 }, () => ({
      cpuMillis: null,
      memoryMiB: null,
      processes: null,
    }));
    const stranger = cluster.connect("stranger");
    stranger.publish("berth.agent.nobody.usage", { v: 1, nodeId: "nobody" });
    const reading = await until("the usage arrives", () =>
      page
        .of("telemetry")
        .flatMap(({ nodes }) => nodes)
        .find((node) => node.host !== null),
    );
    expect(reading.nodeId).toBe(agent?.description.nodeId);
    expect(reading.host?.cpuMillis).toBe(700);
    expect(reading.host?.memoryMiB).toBeNull();
    await until("it is counted", () => logger.counts().get("telemetry.usage") === 1);
  });

  it("closes the socket of a page that talks nonsense, and goes on serving others", async () => {
    const { gateway, logger } = await startWorld();
    const bad = new Page(gateway);
    const good = new Page(gateway);
    await snapshotOf(bad);
    bad.say("nonsense");
    const closed = await until("it is closed", () => bad.closed);
    expect(closed).toEqual({ code: feedCloseCodes.malformed, reason: "malformed message" });
    expect(logger.counts().get("feed.malformed")).toBe(1);
    const pulses = good.of("pulse").length;
    await until("the other one still hears", () => good.of("pulse").length > pulses);
  });

  it("closes a socket that sends more than a message may hold", async () => {
    const { gateway } = await startWorld();
    const page = new Page(gateway);
    await snapshotOf(page);
    page.say("x".repeat(70_000));
    expect((await until("it is closed", () => page.closed)).code).toBe(1009);
  });

  it("starts a new epoch when the log shows another history, and serves the old one meanwhile", async () => {
    const { cluster, gateway, logger } = await startWorld();
    const page = new Page(gateway);
    const { epoch } = await snapshotOf(page);
    cluster.log.breakTails(new Error("the engine lost its place"));
    await until("there is a new epoch", () =>
      page.of("snapshot").some((snapshot) => snapshot.epoch !== epoch),
    );
    expect(logger.counts().get("replica.start_over")).toBe(1);
    expect((await get(gateway, "/api/v1/nodes")).status).toBe(200);
  });
});
