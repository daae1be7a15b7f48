import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ClusterFile, readClusterFile } from "../src/cluster/cluster-file.ts";
import { isRunning } from "../src/cluster/process-identity.ts";

export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
}

const EXECUTABLE = fileURLToPath(new URL("../bin/berth.cjs", import.meta.url));
/** Away from the defaults and from the ports of tasks, so that nobody is in the way. */
const PORT_FROM = 10_000;
const POLL_MS = 20;

/** A home of its own, and the built command on it. */
export class TestHome {
  readonly folder = mkdtempSync(join(tmpdir(), "berth-cli-"));
  readonly #running = new Set<ChildProcess>();

  /** Runs a command to its end. */
  async run(args: readonly string[], { input = "" } = {}): Promise<Ended> {
    const startedAt = performance.now();
    const command = this.begin(args);
    command.child.stdin?.end(input);
    const exitCode = await command.ended;
    return {
      exitCode,
      stdout: command.stdout(),
      stderr: command.stderr(),
      tookMs: performance.now() - startedAt,
    };
  }

  /** Runs a command with `--json` and gives what it says. */
  async json(...args: readonly string[]): Promise<{ exitCode: number; value: unknown }> {
    const { exitCode, stdout, stderr } = await this.run([...args, "--json"]);
    if (stdout === "") throw new Error(`berth ${args.join(" ")} said nothing: ${stderr}`);
    return { exitCode, value: JSON.parse(stdout) as unknown };
  }

  /** Starts a command that goes on. */
  begin(args: readonly string[]): Command {
    const env = { ...process.env, BERTH_HOME: this.folder, NO_COLOR: "1" };
    const child = spawn(process.execPath, [EXECUTABLE, ...args], { env, cwd: this.folder });
    this.#running.add(child);
    child.once("exit", () => this.#running.delete(child));
    return new Command(child);
  }

  /** `berth up` in the background, on ports of its own. */
  async up(...args: readonly string[]): Promise<Ended> {
    const port = PORT_FROM + ((process.pid * 17) % 4_000);
    const ports = ["--port", String(port), "--nats-port", String(port + 4_000)];
    return this.run(["up", "--detach", ...ports, ...args]);
  }

  get file(): ClusterFile {
    const file = readClusterFile(this.folder);
    if (!file) throw new Error("no cluster has run here");
    return file;
  }

  /** The parts that run now, of whatever `berth up`. */
  runningParts(): string[] {
    return Object.entries(this.file.children).flatMap(([name, child]) =>
      isRunning(child) ? [name] : [],
    );
  }

  /** Leaves nothing behind, whatever a test did. */
  async remove(): Promise<void> {
    for (const child of this.#running) child.kill("SIGKILL");
    const { exitCode, stderr } = await this.run(["down", "--tasks"]);
    if (exitCode !== 0) throw new Error(`cannot clean up ${this.folder}: ${stderr}`);
    rmSync(this.folder, { recursive: true });
  }
}

export class Command {
  readonly child: ChildProcess;
  readonly ended: Promise<number>;
  #stdout = "";
  #stderr = "";

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on("data", (chunk: Buffer) => {
      this.#stdout += chunk.toString();
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    this.ended = once(child, "close").then(([code]: unknown[]) =>
      typeof code === "number" ? code : -1,
    );
  }

  stdout(): string {
    return this.#stdout;
  }

  stderr(): string {
    return this.#stderr;
  }
}

/** Waits for a condition; its last error says why it never held. */
export async function eventually(
  holds: () => void | Promise<void>,
  withinMs = 15_000,
): Promise<void> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    try {
      await holds();
      return;
    } catch (error) {
      if (performance.now() >= giveUpAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}
