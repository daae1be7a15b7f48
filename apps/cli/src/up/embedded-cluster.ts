import { randomInt } from "node:crypto";
import { join } from "node:path";
import { BerthError } from "@berth/protocol";
import { type ClusterFile, readClusterFile, writeClusterFile } from "../cluster/cluster-file.ts";
import { identityOf } from "../cluster/process-identity.ts";
import { counted } from "../output/format-values.ts";
import { mainOf, paths } from "../package-paths.ts";
import { endLeftovers } from "./end-leftovers.ts";
import { freePort, isFree } from "./free-port.ts";
import { NatsPart } from "./nats-part.ts";
import { type Part, SupervisedPart } from "./supervised-part.ts";

export interface EmbeddedClusterOptions {
  readonly home: string;
  /** Taken when given, or refused; else the default, or the next free one. */
  readonly consolePort?: number | undefined;
  readonly natsPort?: number | undefined;
  readonly taskPorts?: PortRange | undefined;
  /** What people should know, one line at a time. */
  readonly say: (line: string) => void;
}

interface PortRange {
  readonly from: number;
  readonly to: number;
}

const CONSOLE_PORT = 7480;
const NATS_PORT = 7422;
/** Several clusters on one machine: each takes its own part of the range, or they would collide. */
const TASK_PORTS: PortRange = { from: 20_000, to: 31_999 };
const TASK_PORTS_EACH = 500;
/**
 * An agent is there for the tasks, not they for it: a young generation of 1 MiB instead of 16 costs
 * it nothing that can be measured and saves 18 MB.
 */
const nodeOptions = { scheduler: [], agent: ["--max-semi-space-size=1"], gateway: [] } as const;

/**
 * A whole cluster as a tree of processes under this one: NATS, scheduler, agent and gateway, on
 * loopback. The caller holds the home's lock.
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
    const { ensureNatsServer, prepareCredentials } = await import("@berth/runtime/nats-server");
    const { path } = await ensureNatsServer({ onProgress: say });
    const ports = {
      nats: await choosePort("--nats-port", options.natsPort, former?.ports.nats, NATS_PORT, say),
      console: await choosePort(
        "--port",
        options.consolePort,
        former?.ports.console,
        CONSOLE_PORT,
        say,
      ),
    };
    const cluster = new EmbeddedCluster(options, {
      v: 1,
      ready: false,
      natsUrl: `nats://127.0.0.1:${ports.nats}`,
      consoleUrl: `http://127.0.0.1:${ports.console}`,
      ports,
      taskPorts: options.taskPorts ?? former?.taskPorts ?? chooseTaskPorts(),
      credentials: await prepareCredentials(join(home, "credentials")),
      supervisor: identityOf(process.pid),
      children: {},
      startedAtUnixMs: Date.now(),
      examplesSubmitted: former?.examplesSubmitted ?? false,
    });
    try {
      await cluster.#startParts(path);
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

  async #startParts(natsProgram: string): Promise<void> {
    const { home } = this.#options;
    const { ports, natsUrl, credentials, taskPorts } = this.#file;
    const watch = { onChange: () => this.#childrenChanged() };
    const nats = new NatsPart({
      path: natsProgram,
      home,
      port: ports.nats,
      ...watch,
      onCrash: (crash) => this.#crashed("nats", crash),
    });
    this.#parts.push(nats);
    await this.#write();
    await nats.start();
    const part = (name: "scheduler" | "agent" | "gateway", ...extra: string[]) => {
      const login = ["--server", natsUrl, "--credentials", credentials[name].seedFile];
      const started = new SupervisedPart({
        name,
        command: [process.execPath, ...nodeOptions[name], mainOf(name), ...login, ...extra],
        logFile: join(home, "logs", `${name}.log`),
        ...watch,
        onCrash: (crash) => this.#crashed(name, crash),
      });
      this.#parts.push(started);
      started.start();
    };
    part("scheduler", "--log-folder", join(home, "nats"));
    const state = join(home, "agent");
    const range = `${taskPorts.from}-${taskPorts.to}`;
    part("agent", "--state", state, "--meta", `examples=${paths.examples}`, "--ports", range);
    part("gateway", "--port", String(ports.console));
    await this.#write();
  }

  #childrenChanged(): void {
    const running = this.#parts.flatMap(({ name, identity }) =>
      identity === null ? [] : [[name, identity] as const],
    );
    this.#file = { ...this.#file, children: Object.fromEntries(running) };
    void this.#write();
  }

  #crashed(name: string, { how, restartMs }: { how: string; restartMs: number }): void {
    const log = join(this.#options.home, name === "nats" ? "nats/nats.log" : `logs/${name}.log`);
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

/** A port that was asked for is a wish to be met; one that was not may be any. */
async function choosePort(
  option: string,
  asked: number | undefined,
  former: number | undefined,
  usual: number,
  say: (line: string) => void,
): Promise<number> {
  if (asked !== undefined) {
    if (await isFree(asked)) return asked;
    throw new BerthError("conflict", `port ${asked} is taken`, {
      hint: `Choose another one with ${option}, or leave it out to take a free one.`,
    });
  }
  if (former !== undefined && (await isFree(former))) return former;
  const port = await freePort(usual);
  if (port !== usual && former === undefined) say(`Port ${usual} is taken; using ${port}.`);
  return port;
}

function chooseTaskPorts(): PortRange {
  const blocks = Math.floor((TASK_PORTS.to - TASK_PORTS.from + 1) / TASK_PORTS_EACH);
  const from = TASK_PORTS.from + randomInt(blocks) * TASK_PORTS_EACH;
  return { from, to: from + TASK_PORTS_EACH - 1 };
}
