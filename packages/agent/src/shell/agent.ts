import type { AgentHelloReply, ClusterId, Fence, NodeId } from "@berth/protocol";
import type { Bus, Clock, Logger, Random } from "@berth/runtime";
import type { AgentOptions } from "../agent-options.ts";
import type { DesiredState } from "../core/desired-state.ts";
import { agentTimings } from "../limits.ts";
import { nodeNameOf, PROCESS_DRIVER } from "./describe-node.ts";
import { DesiredFeed } from "./desired-feed.ts";
import { ExecEngine } from "./exec/exec-engine.ts";
import { Inventory } from "./inventory.ts";
import { Leader } from "./leader.ts";
import { LogsServer } from "./logs-server.ts";
import { ProcessTable } from "./process-table.ts";
import { Reporter } from "./reporter.ts";
import { Session } from "./session.ts";
import { type Membership, StateFolder } from "./state-folder.ts";
import { Supervisor } from "./supervisor.ts";
import { Telemetry } from "./telemetry.ts";
import { UsageMeter } from "./usage-meter.ts";

export interface AgentWorld {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** An agent at work in this process. */
export interface RunningAgent {
  /** Lets go of the tasks, which go on running, and of the state folder. */
  stop(): void;
}

/**
 * Takes the state folder, adopts what runs there, finds out what the machine is and starts talking.
 * Rejects with `conflict` when another agent has the folder.
 */
export async function startAgent(
  options: AgentOptions,
  nodeId: NodeId,
  world: AgentWorld,
): Promise<RunningAgent> {
  const agent = new Agent(options, nodeId, world);
  try {
    await agent.start();
  } catch (cause) {
    agent.stop();
    throw cause;
  }
  return agent;
}

class Agent implements RunningAgent {
  readonly #options: AgentOptions;
  readonly #nodeId: NodeId;
  readonly #world: AgentWorld;
  readonly #table = new ProcessTable();
  readonly #state: StateFolder;
  readonly #leader: Leader;
  readonly #membership: Membership | null;
  readonly #reporter: Reporter;
  readonly #exec: ExecEngine;
  readonly #supervisor: Supervisor;
  readonly #feed: DesiredFeed;
  #inventory: Inventory | null = null;
  #session: Session | null = null;
  readonly #closers: (() => void)[] = [];

  constructor(options: AgentOptions, nodeId: NodeId, world: AgentWorld) {
    this.#options = options;
    this.#nodeId = nodeId;
    this.#world = world;
    this.#state = StateFolder.open(options.state, this.#table);
    this.#membership = this.#state.readMembership(world.logger);
    this.#leader = new Leader(world.bus, nodeId);
    const joined = (): ClusterId | null => this.#session?.joined ?? null;
    this.#reporter = new Reporter({
      ...world,
      leader: this.#leader,
      joined,
      onAcknowledged: (report) => this.#supervisor.acknowledge(report),
    });
    this.#exec = new ExecEngine({ nodeId, ...world });
    this.#supervisor = new Supervisor({
      ...world,
      state: this.#state,
      table: this.#table,
      exec: this.#exec,
      nodeFacts: { nodeId, nodeName: nodeNameOf(options), meta: options.meta ?? {} },
      onReport: (report) => this.#reporter.add(report),
    });
    this.#feed = new DesiredFeed({
      ...world,
      nodeId,
      leader: this.#leader,
      floor: this.#membership?.fence ?? null,
      joined,
      onDesired: (desired) => this.#takeDesired(desired),
    });
  }

  /** Tasks and the beat first: finding out what the hardware is can take seconds. */
  async start(): Promise<void> {
    const { bus, clock, logger } = this.#world;
    const supervisor = this.#supervisor;
    const nodeId = this.#nodeId;
    supervisor.load(this.#membership?.clusterId ?? null);
    this.#startTelemetry();
    const logs = new LogsServer({ bus, nodeId, clock, logger, supervisor });
    this.#closers.push(() => logs.close());
    const collector = clock.every(agentTimings.collectIntervalMs, () => this.#collect());
    this.#closers.push(() => collector.cancel());

    const drivers = [PROCESS_DRIVER, this.#exec.status];
    const by = { options: this.#options, nodeId, bootId: this.#table.bootId, drivers };
    this.#inventory = await Inventory.start(by, clock, logger);
    this.#session = this.#startSession(this.#inventory);
  }

  stop(): void {
    for (const close of this.#closers) close();
    this.#inventory?.stop();
    this.#session?.stop();
    this.#feed.stop();
    this.#reporter.stop();
    this.#supervisor.close();
    this.#state.close();
  }

  #startSession(inventory: Inventory): Session {
    const session = new Session({
      ...this.#world,
      leader: this.#leader,
      clusterId: this.#membership?.clusterId ?? null,
      description: inventory.description,
      applied: () => this.#feed.applied,
      reports: () => this.#supervisor.reports(),
      onJoined: (reply) => this.#joined(reply),
    });
    inventory.onChange((description) => session.describe(description));
    session.start();
    return session;
  }

  #startTelemetry(): void {
    const { clock } = this.#world;
    const meter = new UsageMeter({
      table: this.#table,
      clock,
      stateFolder: this.#state.path,
      interfaces: () =>
        this.#inventory?.description.hardware.networkInterfaces.map(({ name }) => name) ?? [],
    });
    const telemetry = new Telemetry({
      ...this.#world,
      nodeId: this.#nodeId,
      bootId: this.#table.bootId,
      supervisor: this.#supervisor,
      meter,
      applied: () => this.#feed.applied,
    });
    this.#closers.push(() => telemetry.stop());
  }

  #joined({ clusterId, fence, unlisted }: AgentHelloReply): void {
    if (this.#membership === null && this.#feed.applied === null) this.#remember(clusterId, null);
    this.#supervisor.join(clusterId);
    this.#supervisor.account(unlisted);
    this.#feed.seen(fence);
    this.#reporter.wake();
  }

  #takeDesired(desired: DesiredState): void {
    this.#supervisor.setDesired(desired.allocations);
    const clusterId = this.#session?.clusterId;
    if (clusterId) this.#remember(clusterId, desired.floor);
  }

  #remember(clusterId: ClusterId, fence: Fence | null): void {
    try {
      this.#state.saveMembership({ clusterId, fence });
    } catch (error) {
      this.#world.logger.count("membership", "cannot record the cluster and fence", { error });
    }
  }

  #collect(): void {
    this.#supervisor.collect().catch((error: unknown) => {
      this.#world.logger.count("collect", "cannot delete finished folders", { error });
    });
  }
}
