import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connectBus, logPlacement, type NatsBus } from "@berth/runtime/nats";
import { callApi } from "./call-api.ts";
import { Cluster, type Part } from "./cluster.ts";
import { isAlive, type ProcessIdentity } from "./processes.ts";
import { until } from "./until.ts";

export const engineParts = ["nats-1", "nats-2", "nats-3"] as const satisfies Part[];
export const schedulerParts = [
  "scheduler-1",
  "scheduler-2",
  "scheduler-3",
] as const satisfies Part[];

/** A cluster of three NATS servers and three schedulers, with a view into its engine. */
export class ReplicatedCluster extends Cluster {
  readonly #buses: NatsBus[] = [];
  /** What the frozen parts had said until then. */
  readonly #saidBefore = new Map<Part, string>();

  override async start(...flags: string[]): Promise<void> {
    await super.start("--replicas", "3", ...flags);
  }

  override async destroy(): Promise<void> {
    await Promise.all(this.#buses.splice(0).map((bus) => bus.close()));
    await super.destroy();
  }

  /** A connection of its own; closed with the cluster. */
  async connect(role: "scheduler" | "operator"): Promise<NatsBus> {
    const { natsUrl, credentials } = this.file();
    const bus = await connectBus({
      servers: natsUrl,
      seedFile: credentials[role].seedFile,
      name: `e2e ${role}`,
      waitOnFirstConnect: true,
      reconnectWaitMs: 20,
      reconnectJitterMs: 20,
    });
    this.#buses.push(bus);
    return bus;
  }

  /** The process that leads now, by its own word; rejects while there is none. */
  async leaderPid(bus: NatsBus): Promise<number> {
    const { leader } = await callApi(bus, "cluster.status", {});
    return Number(leader.slice(leader.lastIndexOf(":") + 1));
  }

  /** The scheduler that leads now; rejects while there is none. */
  async leader(bus: NatsBus): Promise<Part> {
    const pid = await this.leaderPid(bus);
    const part = schedulerParts.find((name) => this.part(name)?.pid === pid);
    if (part === undefined) throw new Error(`process ${pid} leads, which is not of this cluster`);
    return part;
  }

  /** The server that leads the log's stream; throws while there is none. */
  async engineLeader(bus: NatsBus): Promise<Part> {
    const { leader } = await logPlacement(bus);
    const part = engineParts.find((name) => name === leader);
    if (part === undefined) throw new Error(`no server of this cluster leads the log: ${leader}`);
    return part;
  }

  /** Stops the scheduler that leads in the middle of whatever it does, until `wake` is called. */
  async freezeLeader(bus: NatsBus): Promise<{ part: Part; wake: () => void }> {
    const part = await until("a scheduler leads", () => this.leader(bus));
    const frozen = this.part(part);
    if (frozen === null) throw new Error(`${part} is not running`);
    this.#saidBefore.set(part, this.#said(part));
    process.kill(frozen.pid, "SIGSTOP");
    return {
      part,
      wake: () => {
        if (isAlive(frozen)) process.kill(frozen.pid, "SIGCONT");
      },
    };
  }

  /** Until a part that was frozen has something to say about what it found. */
  async hasNoticed(part: Part): Promise<void> {
    await until(`${part} has noticed`, () => this.#said(part) !== this.#saidBefore.get(part));
  }

  #said(part: Part): string {
    return readFileSync(join(this.home, "logs", `${part}.log`), "utf8");
  }

  /** Until every part runs, each server has all of the log, and a scheduler leads. */
  async whole(bus: NatsBus): Promise<void> {
    await until("every part runs and the log is complete everywhere", async () => {
      const parts = [...engineParts, ...schedulerParts].map((name) => this.part(name));
      if (!parts.every((part): part is ProcessIdentity => part !== null && isAlive(part)))
        return false;
      if ((await logPlacement(bus)).current.length < engineParts.length - 1) return false;
      return this.leader(bus);
    });
  }
}
