import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGE = fileURLToPath(new URL("../..", import.meta.url));

/** Executables run from `dist`: brings this package's, and what it is made of, up to date. */
export function buildAgent(): void {
  const compiler = createRequire(import.meta.url).resolve("typescript/package.json");
  const tsc = path.join(path.dirname(compiler), "bin", "tsc");
  execFileSync(process.execPath, [tsc, "-b", PACKAGE], { stdio: "inherit" });
}

export interface AgentProcessOptions {
  readonly server: string;
  readonly credentials: string;
  readonly state: string;
}

/** The real agent in its own process, to be killed at any moment. */
export class AgentProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #errors = "";

  constructor({ server, credentials, state }: AgentProcessOptions) {
    const options = ["--server", server, "--credentials", credentials, "--state", state];
    const main = path.join(PACKAGE, "dist", "main.js");
    const env = { ...process.env, BERTH_LOG_FORMAT: "json" };
    this.#child = spawn(process.execPath, [main, ...options], {
      env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#child.stderr?.on("data", (data: Buffer) => {
      this.#errors += data.toString();
    });
    this.#exited = new Promise((resolve) => this.#child.once("exit", () => resolve()));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it has logged. */
  get log(): string {
    return this.#errors;
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.#child.kill(signal);
    await this.#exited;
  }
}
