import { type ChildProcess, spawn } from "node:child_process";
import type { ProcessIdentity } from "../cluster/cluster-file.ts";
import { identityOf } from "../cluster/process-identity.ts";
import { BoundedLogFile } from "./bounded-log-file.ts";
import { RestartBackoff } from "./restart-backoff.ts";

/** One part of the cluster, kept running until it is stopped. */
export interface Part {
  readonly name: string;
  /** Null while it is not running. */
  readonly identity: ProcessIdentity | null;
  /** Asks it to end, and makes it end when it does not; done when it is gone. */
  stop(): Promise<void>;
}

export interface SupervisedPartOptions {
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
  readonly logFile: string;
  /** It started or ended. */
  readonly onChange: () => void;
  /** It ended without being asked to. */
  readonly onCrash: (crash: { readonly how: string; readonly restartMs: number }) => void;
}

const STOP_TIMEOUT_MS = 8_000;

/**
 * A child process that is started again when it ends, soon at first and less often if it keeps
 * ending. It has its own session, so that Ctrl-C on the terminal reaches only us, who end things in
 * order; and it ends by itself when its standard input closes, which is when we are gone.
 */
export class SupervisedPart implements Part {
  readonly name: string;
  readonly #options: SupervisedPartOptions;
  readonly #log: BoundedLogFile;
  readonly #backoff = new RestartBackoff();
  #child: ChildProcess | null = null;
  #identity: ProcessIdentity | null = null;
  #restart: NodeJS.Timeout | null = null;
  #isStopping = false;
  #onGone: (() => void) | null = null;

  constructor(options: SupervisedPartOptions) {
    this.name = options.name;
    this.#options = options;
    this.#log = new BoundedLogFile(options.logFile);
  }

  get identity(): ProcessIdentity | null {
    return this.#identity;
  }

  start(): void {
    const startedAt = performance.now();
    const [program, ...args] = this.#options.command;
    const child = spawn(program, args, {
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, BERTH_SUPERVISED: "1" },
    });
    this.#child = child;
    this.#identity = child.pid === undefined ? null : identityOf(child.pid);
    child.stdin.on("error", () => {}); // It ended: its exit says so.
    child.stdout.on("data", (chunk: Buffer) => this.#log.write(chunk));
    child.stderr.on("data", (chunk: Buffer) => this.#log.write(chunk));
    let isOver = false;
    const over = (how: string) => {
      if (isOver) return;
      isOver = true;
      this.#ended(how, performance.now() - startedAt);
    };
    child.once("error", (error) => over(error.message));
    child.once("exit", (code, signal) => over(signal ?? `exit code ${code}`));
    this.#options.onChange();
  }

  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    if (this.#restart) clearTimeout(this.#restart);
    const child = this.#child;
    if (child !== null) {
      const gone = new Promise<void>((resolve) => {
        this.#onGone = resolve;
      });
      child.kill("SIGTERM");
      const impatience = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
      await gone;
      clearTimeout(impatience);
    }
    this.#log.close();
  }

  #ended(how: string, ranMs: number): void {
    this.#child = null;
    this.#identity = null;
    this.#onGone?.();
    if (this.#isStopping) return;
    const restartMs = this.#backoff.nextWaitMs(ranMs);
    this.#restart = setTimeout(() => this.start(), restartMs);
    this.#options.onChange();
    this.#options.onCrash({ how, restartMs });
  }
}
