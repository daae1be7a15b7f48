import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { getRequestListener } from "@hono/node-server";
import { WebSocketServer } from "ws";
import { BerthError, FEED_PATH } from "@berth/protocol";
import type { Bus, Clock, Log, Logger, Random, SnapshotStore } from "@berth/runtime";
import { natsLog, natsSnapshots, openBus } from "@berth/runtime/nats";
import { createLogger, nodeClock, nodeRandom } from "@berth/runtime/node";
import { FeedHub } from "./feed/feed-hub.ts";
import type { Gateway, GatewayOptions } from "./gateway-options.ts";
import { HostGuard } from "./http/host-guard.ts";
import { httpApp } from "./http/http-app.ts";
import { ReadApi } from "./http/read-api.ts";
import { loadStaticFiles } from "./http/static-files.ts";
import { gatewayLimits } from "./limits.ts";
import { Replica } from "./replica.ts";
import { Telemetry } from "./telemetry.ts";
import { UpstreamMonitor } from "./upstream-monitor.ts";

const LOOPBACK = "127.0.0.1";
const BUILT_PAGE = fileURLToPath(new URL("../../dist/web", import.meta.url));

/**
 * Serves until stopped, whether or not the cluster can be reached now: it says what it knows.
 *
 * Rejects with a `BerthError`: `conflict` when the port is taken, `not_found` or `denied` for the
 * credentials, `not_found` when the page is not built.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const logger = options.logger ?? createLogger({ name: "console" });
  const bus = await openBus({
    servers: options.server,
    name: "console",
    logger,
    ...(options.credentials === undefined ? {} : { seedFile: options.credentials }),
  });
  try {
    const gateway = await serveGateway({
      bus,
      log: natsLog(bus, { logger }),
      snapshots: [natsSnapshots(bus)],
      clock: nodeClock,
      random: nodeRandom,
      logger,
      port: options.port ?? 0,
      webFolder: options.webFolder ?? BUILT_PAGE,
      allowedHosts: options.allowedHosts ?? [],
    });
    return {
      ...gateway,
      async stop() {
        await gateway.stop();
        await bus.close();
      },
    };
  } catch (error) {
    await bus.close();
    throw error;
  }
}

export interface GatewayComponents {
  readonly bus: Bus;
  readonly log: Log;
  readonly snapshots: readonly SnapshotStore[];
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly port: number;
  readonly webFolder: string;
  readonly allowedHosts: readonly string[];
}

/** The gateway on any ports. It closes nothing that it was given. */
export async function serveGateway(components: GatewayComponents): Promise<Gateway> {
  const { bus, clock, logger } = components;
  const files = await loadStaticFiles(components.webFolder);
  const server = createServer();
  const port = await listen(server, components.port);

  const replica: Replica = new Replica(components, {
    onFold: (fold) => hub.onFold(fold),
    onChanges: (changes) => hub.onChanges(changes),
  });
  const upstream = new UpstreamMonitor({ bus, clock, logger, replica });
  const readUpstream = () => upstream.read();
  const telemetry = new Telemetry({ bus, clock, logger, replica });
  const hub = new FeedHub({ clock, logger, telemetry, readUpstream });
  const guard = new HostGuard(port, components.allowedHosts);
  const app = httpApp({
    bus,
    guard,
    logger,
    readApi: new ReadApi({ replica, clock, readUpstream }),
    readUpstream,
    isReady: () => replica.current !== null,
    snapshot: () => new Uint8Array(hub.snapshotFrame()),
    files,
  });
  const answer = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  server.on("request", (request, response) => void answer(request, response));
  const sockets = acceptUpgrades(server, guard, hub);
  replica.start();
  return {
    port,
    url: `http://${LOOPBACK}:${port}`,
    async stop() {
      replica.stop();
      upstream.stop();
      telemetry.stop();
      hub.stop();
      sockets.close();
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listen(server: Server, port: number): Promise<number> {
  server.maxConnections = gatewayLimits.connectionsMax;
  server.listen({ port, host: LOOPBACK });
  try {
    await once(server, "listening");
  } catch (cause) {
    const taken = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
    throw new BerthError(
      taken ? "conflict" : "internal",
      taken ? `port ${port} is taken` : `cannot listen on port ${port}`,
      { hint: "Choose another port, or 0 to take a free one.", cause },
    );
  }
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}

/** Origin and path are checked before anything of the WebSocket handshake is answered. */
function acceptUpgrades(server: Server, guard: HostGuard, hub: FeedHub): WebSocketServer {
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: gatewayLimits.inboundMessageBytesMax,
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    const { host, origin } = request.headers;
    if (!guard.allowsUpgrade(host, origin)) return refuseUpgrade(socket, "403 Forbidden");
    if (request.url !== FEED_PATH) return refuseUpgrade(socket, "404 Not Found");
    sockets.handleUpgrade(request, socket, head, (page) => hub.accept(page));
  });
  return sockets;
}

function refuseUpgrade(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
