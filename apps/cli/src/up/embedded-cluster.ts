import { join } from "node:path";
import type { NatsServerProgram, ReplicaCount } from "@berth/runtime/nats-server";
import { type ClusterFile, readClusterFile, writeClusterFile } from "../cluster/cluster-file.ts";
import { identityOf } from "../cluster/process-identity.ts";
import { counted } from "../output/format-values.ts";
import type { NodeFlags } from "../program/options.ts";
import { mainOf, paths } from "../package-paths.ts";
import { endLeftovers } from "./end-leftovers.ts";
import { chooseReplicas } from "./choose-replicas.ts";
import {
  chooseConsolePort,
  chooseEnginePorts,
  chooseRoutePorts,
  chooseTaskPorts,
  type PortRange,
} from "./choose-ports.ts";
import { NatsPart } from "./nats-part.ts";
import { type Part, SupervisedPart } from "./supervised-part.ts";

export interface EmbeddedClusterOptions {
  readonly home: string;
  /** Taken when given, or refused; else the default, or the next free one. */
  readonly consolePort?: number | undefined;
  readonly natsPort?: number | undefined;
  readonly taskPorts?: PortRange | undefined;
  /** How many servers keep the log, each with a scheduler beside it. Default: as many as the home has. */
  readonly replicas?: ReplicaCount | undefined;
  /** How long the log's entries are kept. Default: the scheduler's. */
  readonly retentionMs?: number | undefined;
  /** What is declared of this machine. */
  readonly node?: NodeFlags;
  /** What people should know, one line at a time. */
  readonly say: (line: string) => void;
}

type Service = "scheduler" | "agent" | "gateway";

/** Parts, and folders in the home. */
const engineNames = { 1: ["nats"], 3: ["nats-1", "nats-2", "nats-3"] } as const;
const schedulerNames = {
  1: ["scheduler"],
  3: ["scheduler-1", "scheduler-2", "scheduler-3"],
} as const;
/**
 * An agent is there for the tasks, not they for it: a young generation of 1 MiB instead of 16 costs
 * it nothing that can be measured and saves 18 MB.
 */
const nodeOptions = { scheduler: [], agent: ["--max-semi-space-size=1"], gateway: [] } as const;

/**
 * A whole cluster as a tree of processes under this one: NATS, scheduler, agent and gateway, on
 * loopback, the first two of them once or three times. The caller holds the home's lock.
 */
export class EmbeddedCluster {
  readonly #options: EmbeddedClusterOptions;
  #file: ClusterFile;
  #parts: Part[] = [];
  #writing: Promise<void> = Promise.resolve();
  #isClosed = false;

  private constructor(options: EmbeddedClusterOptions, file: ClusterFile) {
    this.#options = options;
    this.#file = file;
  }

  /** Resolves once every part is started; none needs to be ready yet. */
  static async start(options: EmbeddedClusterOptions): Promise<EmbeddedCluster> {
    const { home, say } = options;
    const former = readClusterFile(home);
    if (former !== null) {
      const ended = await endLeftovers(former);
      if (ended > 0) say(`Ended ${counted(ended, "process", "processes")} of a killed cluster.`);
    }
    const replicas = chooseReplicas(home, options.replicas);
    const { prepareCredentials } = await import("@berth/runtime/nats-server");
    const program = await findProgram(replicas, say);
    const natsPorts = await chooseEnginePorts(replicas, options.natsPort, former?.natsUrl, say);
    const consolePort = await chooseConsolePort(options.consolePort, former?.ports.console, say);
    const cluster = new EmbeddedCluster(options, {
      v: 1,
      ready: false,
      replicas,
      natsUrl: natsPorts.map((port) => `nats://127.0.0.1:${port}`).join(","),
      consoleUrl: `http://127.0.0.1:${consolePort}`,
      ports: { nats: natsPorts[0] ?? 0, console: consolePort },
      taskPorts: options.taskPorts ?? former?.taskPorts ?? chooseTaskPorts(),
      credentials: await prepareCredentials(join(home, "credentials")),
      supervisor: identityOf(process.pid),
      children: {},
      startedAtUnixMs: Date.now(),
      examplesSubmitted: former?.examplesSubmitted ?? false,
    });
    try {
      await cluster.#startParts(program.path, natsPorts);
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  get file(): ClusterFile {
    return this.#file;
  }

  async update(change: Partial<Pick<ClusterFile, "ready" | "examplesSubmitted">>): Promise<void> {
    this.#file = { ...this.#file, ...change };
    await this.#write();
  }

  /** Ends the parts in the order in which they need each other; the tasks go on. */
  async stop(): Promise<void> {
    if (this.#isClosed) return;
    for (const part of this.#parts.toReversed()) await part.stop();
    this.#isClosed = true;
    this.#file = { ...this.#file, ready: false, supervisor: null, children: {} };
    await this.#write();
  }

  async #startParts(natsProgram: string, natsPorts: readonly number[]): Promise<void> {
    const { home, retentionMs } = this.#options;
    const { ports, taskPorts, replicas } = this.#file;
    const engine = await this.#engine(natsProgram, natsPorts);
    this.#parts.push(...engine);
    await this.#write();
    await Promise.all(engine.map((server) => server.start()));
    const copies = [
      "--replicas",
      String(replicas),
      "--log-folder",
      join(home, engineNames[replicas][0]),
    ];
    for (const name of schedulerNames[replicas]) {
      const snapshots = ["--snapshots", join(home, "snapshots", name)];
      const retention = retentionMs === undefined ? [] : ["--retention", `${retentionMs}ms`];
      this.#run(name, "scheduler", [...copies, ...snapshots, ...retention]);
    }
    const range = `${taskPorts.from}-${taskPorts.to}`;
    const meta = `examples=${paths.examples}`;
    const place = ["--state", join(home, "agent"), "--meta", meta, "--ports", range];
    this.#run("agent", "agent", [...place, ...nodeArguments(this.#options.node ?? {})]);
    this.#run("gateway", "gateway", ["--port", String(ports.console)]);
    await this.#write();
  }

  /** The servers that keep the log, not started yet. */
  async #engine(path: string, natsPorts: readonly number[]): Promise<NatsPart[]> {
    const { home } = this.#options;
    const names = engineNames[this.#file.replicas];
    const routePorts = names.length === 1 ? [] : await chooseRoutePorts(names.length);
    return names.map((name, index) => {
      const routePort = routePorts[index];
      return new NatsPart({
        name,
        path,
        home,
        port: natsPorts[index] ?? 0,
        ...(routePort === undefined ? {} : { member: { name, routePort, routePorts } }),
        onChange: () => this.#childrenChanged(),
        onCrash: (crash) => this.#crashed(name, join(home, name, "nats.log"), crash),
      });
    });
  }

  /** Starts one of Berth's own services under a name of its own, and keeps it running. */
  #run(name: string, service: Service, extra: readonly string[]): void {
    const { natsUrl, credentials } = this.#file;
    const login = ["--server", natsUrl, "--credentials", credentials[service].seedFile];
    const logFile = join(this.#options.home, "logs", `${name}.log`);
    const started = new SupervisedPart({
      name,
      command: [process.execPath, ...nodeOptions[service], mainOf(service), ...login, ...extra],
      logFile,
      onChange: () => this.#childrenChanged(),
      onCrash: (crash) => this.#crashed(name, logFile, crash),
    });
    this.#parts.push(started);
    started.start();
  }

  #childrenChanged(): void {
    const running = this.#parts.flatMap(({ name, identity }) =>
      identity === null ? [] : [[name, identity] as const],
    );
    this.#file = { ...this.#file, children: Object.fromEntries(running) };
    void this.#write();
  }

  #crashed(name: string, log: string, crash: { how: string; restartMs: number }): void {
    const { how, restartMs } = crash;
    this.#options.say(
      `${name} ended (${how}); starting it again in ${restartMs} ms. Its log: ${log}`,
    );
  }

  /** One at a time and the newest last. */
  #write(): Promise<void> {
    this.#writing = this.#writing
      .then(() => writeClusterFile(this.#options.home, this.#file))
      .catch((error: unknown) => this.#options.say(`cannot write cluster.json: ${String(error)}`));
    return this.#writing;
  }
}

/** In the agent's own words. */
function nodeArguments(flags: NodeFlags): string[] {
  const { label = {}, pool, taint = [], device = [], interfaceMbps = [] } = flags;
  return [
    ...Object.entries(label).map(([key, value]) => `--label=${key}=${value}`),
    ...(pool === undefined ? [] : [`--pool=${pool}`]),
    ...taint.map((text) => `--taint=${text}`),
    ...device.map((text) => `--device=${text}`),
    ...interfaceMbps.map((text) => `--interface-mbps=${text}`),
  ];
}

async function findProgram(
  replicas: ReplicaCount,
  say: (line: string) => void,
): Promise<NatsServerProgram> {
  const { checkServerVersion, ensureNatsServer, minimumVersionFor } = await import(
    "@berth/runtime/nats-server"
  );
  const minimumVersion = minimumVersionFor(replicas);
  const program = await ensureNatsServer({ minimumVersion, onProgress: say });
  const warning = checkServerVersion(program.version, replicas);
  if (warning !== null) say(`Warning: ${warning}.`);
  return program;
}
