import { setTimeout as delay } from "node:timers/promises";
import type { ClusterMember, NatsServer } from "@berth/runtime/nats-server";
import type { ProcessIdentity } from "../cluster/cluster-file.ts";
import { identityOf } from "../cluster/process-identity.ts";
import { RestartBackoff } from "./restart-backoff.ts";
import type { Part, SupervisedPartOptions } from "./supervised-part.ts";

export interface NatsPartOptions extends Pick<SupervisedPartOptions, "onChange" | "onCrash"> {
  readonly name: string;
  readonly path: string;
  readonly home: string;
  readonly port: number;
  readonly member?: ClusterMember;
}

/** A NATS server, on one port for as long as it is kept running: its clients come back to it. */
export class NatsPart implements Part {
  readonly name: string;
  readonly #options: NatsPartOptions;
  readonly #backoff = new RestartBackoff();
  #server: NatsServer | null = null;
  #identity: ProcessIdentity | null = null;
  readonly #stopping = new AbortController();
  #starting: Promise<void> = Promise.resolve();

  constructor(options: NatsPartOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get identity(): ProcessIdentity | null {
    return this.#identity;
  }

  /** Done when it accepts connections. Rejects only here, at the first start. */
  async start(): Promise<NatsServer> {
    const { startNatsServer } = await import("@berth/runtime/nats-server");
    const { path, home, port, member, onChange } = this.#options;
    const server = await startNatsServer({ path, home, port, ...(member ? { member } : {}) });
    const startedAt = performance.now();
    this.#server = server;
    this.#identity = identityOf(server.pid);
    onChange();
    void server.exited.then(({ code, signal }) => {
      this.#ended(signal ?? `exit code ${code}`, performance.now() - startedAt);
    });
    return server;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#starting;
    await this.#server?.stop();
  }

  #ended(how: string, ranMs: number): void {
    this.#server = null;
    this.#identity = null;
    if (this.#stopping.signal.aborted) return;
    const restartMs = this.#backoff.nextWaitMs(ranMs);
    this.#options.onChange();
    this.#options.onCrash({ how, restartMs });
    this.#starting = this.#startAgain(restartMs);
  }

  async #startAgain(waitMs: number): Promise<void> {
    const { signal } = this.#stopping;
    try {
      await delay(waitMs, undefined, { signal });
      await this.start();
    } catch (error) {
      if (signal.aborted) return;
      this.#ended(error instanceof Error ? error.message : String(error), 0);
    }
  }
}
