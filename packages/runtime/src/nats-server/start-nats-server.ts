import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { BerthError } from "@berth/protocol";
import { type Credentials, prepareCredentials, prepareRouteSecret } from "./credentials.ts";
import { readProgramVersion } from "./ensure-nats-server.ts";
import { type ClusterMembership, writeNatsConfig } from "./nats-config.ts";
import { stopLeftover } from "./stop-leftover.ts";
import { checkServerVersion } from "./supported-versions.ts";

export interface StartOptions {
  /** The program, as `ensureNatsServer` returns it. */
  readonly path: string;
  /** Berth's home folder: `nats/` (or the member's name) and `credentials/` in it are this server's. */
  readonly home: string;
  /** On 127.0.0.1; 0 (the default) takes a free one. */
  readonly port?: number;
  /** Public keys of agents beside the embedded one. */
  readonly agentKeys?: readonly string[];
  /**
   * One of several servers of this home that keep the log together. It waits for none of the others:
   * JetStream works once most of them are there.
   */
  readonly member?: ClusterMember;
}

export interface ClusterMember {
  /** Of the server, and of its folder in the home: `nats-1`. */
  readonly name: string;
  readonly routePort: number;
  /** Of all members, this one included. */
  readonly routePorts: readonly number[];
}

export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface NatsServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly version: string;
  readonly credentials: Credentials;
  /** Settles when the process has ended, asked to or not. Never rejects. */
  readonly exited: Promise<ServerExit>;
  /** Flushes the store and ends the process; done when it is gone. May be called again. */
  stop(): Promise<void>;
}

const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;
const GREETING_TIMEOUT_MS = 1_000;
const POLL_INTERVAL_MS = 15;

/**
 * Runs a server on this home, and waits until it accepts connections. A server that an earlier,
 * killed process left running on the same home is stopped first: two must never share a store.
 * The process has its own process group, so that a Ctrl-C on the terminal reaches only its owner,
 * which ends things in order; it does not survive an orderly end of this process.
 *
 * Rejects with a `BerthError`: `conflict` when the port is taken, `internal` with the end of the
 * server's own log otherwise.
 */
export async function startNatsServer(options: StartOptions): Promise<NatsServer> {
  const { home, member } = options;
  const folder = join(home, member?.name ?? "nats");
  const files = {
    config: join(folder, "nats.conf"),
    pidFile: join(folder, "nats.pid"),
    portsFolder: join(folder, "ports"),
    logFile: join(folder, "nats.log"),
    storeFolder: join(folder, "store"),
  };
  const version = await requireVersion(options.path);
  checkServerVersion(version, member === undefined ? 1 : 3);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  await stopLeftover(files.pidFile, files.config);
  await rm(files.portsFolder, { recursive: true, force: true });
  await mkdir(files.portsFolder);
  const credentials = await prepareCredentials(join(home, "credentials"));
  await writeNatsConfig(files.config, {
    ...files,
    port: options.port ?? 0,
    serverVersion: version,
    credentials,
    agentKeys: options.agentKeys ?? [],
    ...(member === undefined ? {} : { cluster: await membership(home, member) }),
  });

  const child = spawn(options.path, ["-c", files.config], { detached: true, stdio: "ignore" });
  const exited = watchExit(child);
  const endWithThisProcess = () => child.kill("SIGINT");
  process.once("exit", endWithThisProcess);
  void exited.then(() => process.removeListener("exit", endWithThisProcess));

  const stop = () => stopProcess(child, exited);
  try {
    const port = await whenReady(files.portsFolder, files.logFile, exited);
    const pid = child.pid ?? 0;
    return { url: `nats://127.0.0.1:${port}`, port, pid, version, credentials, exited, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function membership(home: string, member: ClusterMember): Promise<ClusterMembership> {
  const onLoopback = (port: number) => ({ host: "127.0.0.1", port });
  return {
    serverName: member.name,
    listen: onLoopback(member.routePort),
    routes: member.routePorts.map(onLoopback),
    routeSecret: await prepareRouteSecret(join(home, "credentials")),
  };
}

async function requireVersion(path: string): Promise<string> {
  const version = await readProgramVersion(path);
  if (version === null) throw new BerthError("not_found", `${path} is not a nats-server`);
  return version;
}

function watchExit(child: ChildProcess): Promise<ServerExit> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", () => resolve({ code: null, signal: null }));
  });
}

async function stopProcess(child: ChildProcess, exited: Promise<ServerExit>): Promise<void> {
  child.kill("SIGINT");
  const deadline = new AbortController();
  const timeout = delay(STOP_TIMEOUT_MS, "timeout", { signal: deadline.signal }).catch(() => null);
  if ((await Promise.race([exited, timeout])) === "timeout") child.kill("SIGKILL");
  await exited;
  deadline.abort();
}

/** The port, once the server has written it down and accepts on it. */
async function whenReady(
  portsFolder: string,
  logFile: string,
  exited: Promise<ServerExit>,
): Promise<number> {
  let ended = false;
  void exited.then(() => {
    ended = true;
  });
  const startedAt = performance.now();
  while (performance.now() - startedAt < READY_TIMEOUT_MS) {
    if (ended) throw await explainExit(logFile);
    const port = await readPort(portsFolder);
    if (port !== null && (await accepts(port))) return port;
    await delay(POLL_INTERVAL_MS);
  }
  throw new BerthError("timeout", `nats-server was not ready after ${READY_TIMEOUT_MS / 1000} s`, {
    hint: `Its log is ${logFile}.`,
  });
}

async function readPort(portsFolder: string): Promise<number | null> {
  const [file] = await readdir(portsFolder);
  if (file === undefined) return null;
  const text = await readFile(join(portsFolder, file), "utf8");
  const port = /"nats:\/\/127\.0\.0\.1:(\d+)"/.exec(text)?.[1];
  return port === undefined ? null : Number(port);
}

async function accepts(port: number): Promise<boolean> {
  const socket = createConnection({ host: "127.0.0.1", port });
  try {
    await once(socket, "data", { signal: AbortSignal.timeout(GREETING_TIMEOUT_MS) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function explainExit(logFile: string): Promise<BerthError> {
  const log = await readFile(logFile, "utf8").catch(() => "");
  const fatal = log.split("\n").findLast((line) => line.includes("[FTL]"));
  const reason = fatal?.replace(/^.*\[FTL\]\s*/, "");
  if (fatal?.includes("address already in use")) {
    return new BerthError("conflict", `nats-server cannot listen: ${reason}`, {
      hint: "Choose another port, or leave it out to take a free one.",
    });
  }
  return new BerthError("internal", `nats-server ended at once: ${reason ?? "it left no reason"}`, {
    hint: `Its log is ${logFile}.`,
  });
}
