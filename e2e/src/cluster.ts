import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { AllocationView, ClusterStatus, WorkloadDetail } from "@berth/protocol";
import {
  identify,
  isAlive,
  type ProcessIdentity,
  processesWithEnvironment,
  processTree,
} from "./processes.ts";
import { until } from "./until.ts";

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

/** With three replicas the first two are `nats-1` to `nats-3` and `scheduler-1` to `scheduler-3`. */
export type Part =
  | "nats"
  | "scheduler"
  | "agent"
  | "gateway"
  | `${"nats" | "scheduler"}-${1 | 2 | 3}`;

interface ClusterFile {
  readonly ready: boolean;
  readonly consoleUrl: string;
  readonly natsUrl: string;
  readonly credentials: Readonly<
    Record<"scheduler" | "operator" | "agent", { readonly seedFile: string }>
  >;
  readonly supervisor: { pid: number } | null;
  readonly children: Readonly<Record<string, { pid: number }>>;
}

/** What `npx berth` runs. */
export const berthExecutable = fileURLToPath(
  new URL("../../apps/cli/bin/berth.cjs", import.meta.url),
);
/** Away from the defaults, so that a developer's own cluster is never in the way. */
const CONSOLE_PORT_BASE = 21_000;
let clusters = 0;

/** An embedded cluster: the real `berth up`, its folder, its processes and its command line. */
export class Cluster {
  readonly home: string;
  private readonly port: number;
  private readonly ownsHome: boolean;
  private up: ChildProcess | null = null;
  private upOutput = "";
  /** Known from the first status on, so that tasks can be found while nothing answers. */
  private clusterId = "";

  constructor(options: { home?: string } = {}) {
    this.ownsHome = options.home === undefined;
    this.home = options.home ?? mkdtempSync(join(tmpdir(), "berth-e2e-"));
    clusters += 1;
    this.port = CONSOLE_PORT_BASE + ((process.pid * 7 + clusters * 13) % 4_000);
  }

  /** Starts it, in the foreground of a process of its own, and waits until it is ready. */
  async start(...flags: string[]): Promise<void> {
    this.upOutput = "";
    const child = spawn(
      process.execPath,
      [berthExecutable, "up", "--home", this.home, "--port", String(this.port), ...flags],
      { stdio: ["ignore", "pipe", "pipe"], env: this.environment() },
    );
    const collect = (chunk: Buffer) => {
      this.upOutput = (this.upOutput + chunk.toString()).slice(-20_000);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    this.up = child;
    await until(
      "the cluster is ready",
      async () => {
        if (child.exitCode !== null) throw new Error(`berth up ended:\n${this.upOutput}`);
        const status = await this.status();
        return status.ready && status.nodes.ready > 0 && this.file().ready;
      },
      { timeoutMs: 60_000 },
    ).catch((error: unknown) => {
      throw new Error(`berth up is not ready:\n${this.upOutput}`, { cause: error });
    });
  }

  /** What `berth up` printed, its last 20,000 characters. */
  get output(): string {
    return this.upOutput;
  }

  get supervisor(): ProcessIdentity {
    const pid = this.up?.pid;
    const identity = pid === undefined ? null : identify(pid);
    if (identity === null) throw new Error("berth up is not running");
    return identity;
  }

  file(): ClusterFile {
    return JSON.parse(readFileSync(join(this.home, "cluster.json"), "utf8")) as ClusterFile;
  }

  /** The process that is this part now; null while it is being restarted. */
  part(part: Part): ProcessIdentity | null {
    const pid = this.file().children[part]?.pid;
    return pid === undefined ? null : identify(pid);
  }

  kill(part: Part): ProcessIdentity {
    const identity = this.part(part);
    if (identity === null) throw new Error(`${part} is not running`);
    process.kill(identity.pid, "SIGKILL");
    return identity;
  }

  /** Kills `berth up` and everything it started except tasks, all at once. */
  async killEverything(): Promise<void> {
    const { supervisor } = this;
    const victims = processTree(supervisor.pid).flatMap((pid) => {
      const isTask = this.taskProcesses().some((task) => task.pid === pid);
      const identity = isTask ? null : identify(pid);
      return identity === null ? [] : [identity];
    });
    for (const victim of victims) {
      if (isAlive(victim)) process.kill(victim.pid, "SIGKILL");
    }
    await until("all killed processes are gone", () => !victims.some(isAlive));
    this.up = null;
  }

  /** Ctrl-C, and the end of it. */
  async stop(signal: NodeJS.Signals = "SIGINT"): Promise<number | null> {
    const child = this.up;
    if (child === null) return null;
    const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
    if (child.exitCode === null) child.kill(signal);
    const code = child.exitCode ?? (await exited);
    this.up = null;
    return code;
  }

  /** Ends everything, tasks included, and removes the folder. Safe to call at any point. */
  async destroy(): Promise<void> {
    await this.stop("SIGTERM");
    if (existsSync(this.home)) await this.berth("down", "--tasks");
    if (this.ownsHome) rmSync(this.home, { recursive: true, force: true });
  }

  /** Runs one command against this cluster. */
  berth(...commandArguments: string[]): Promise<CommandResult> {
    const startedAt = performance.now();
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [berthExecutable, ...commandArguments], {
        stdio: ["ignore", "pipe", "pipe"],
        env: this.environment(),
      });
      let stdout = "";
      let stderr = "";
      child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
      child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
      child.once("error", reject);
      child.once("close", (code) => {
        const durationMs = performance.now() - startedAt;
        resolve({ exitCode: code ?? -1, stdout, stderr, durationMs });
      });
    });
  }

  /** Runs one command with `--json`, expects it to succeed, and returns what it printed. */
  async json<T>(...commandArguments: string[]): Promise<T> {
    const result = await this.berth(...commandArguments, "--json");
    if (result.exitCode !== 0) {
      throw new Error(`berth ${commandArguments.join(" ")}: ${result.stdout}${result.stderr}`);
    }
    return JSON.parse(result.stdout) as T;
  }

  async status(): Promise<ClusterStatus> {
    const status = await this.json<ClusterStatus>("status");
    this.clusterId = status.clusterId;
    return status;
  }

  workload(name: string): Promise<WorkloadDetail> {
    return this.json("show", name);
  }

  async running(name: string): Promise<AllocationView[]> {
    const { allocations } = await this.workload(name);
    return allocations.filter(({ status }) => status === "running");
  }

  /** Every process of every task of this cluster, wherever it was re-parented to. */
  taskProcesses(): ProcessIdentity[] {
    return this.clusterId === ""
      ? []
      : processesWithEnvironment("BERTH_CLUSTER_ID", this.clusterId);
  }

  private environment(): NodeJS.ProcessEnv {
    return { ...process.env, BERTH_HOME: this.home, NO_COLOR: "1" };
  }
}
