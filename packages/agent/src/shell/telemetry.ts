import {
  type AgentBeat,
  type AgentUsage,
  type Fence,
  MESSAGE_VERSION,
  type NodeId,
  subjects,
  timings,
} from "@berth/protocol";
import type { Bus, Clock, Logger } from "@berth/runtime";
import type { Supervisor } from "./supervisor.ts";
import type { UsageMeter } from "./usage-meter.ts";

export interface TelemetryOptions {
  readonly bus: Bus;
  readonly nodeId: NodeId;
  readonly bootId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly supervisor: Supervisor;
  readonly meter: UsageMeter;
  readonly applied: () => Fence | null;
}

/** The beat, each second, and the usage: published and forgotten. */
export class Telemetry {
  readonly #options: TelemetryOptions;
  /** One object for ever: the beat is the only thing an idle agent does often. */
  readonly #beat: AgentBeat;
  readonly #beats: { cancel(): void };
  readonly #usages: { cancel(): void };

  constructor(options: TelemetryOptions) {
    this.#options = options;
    const { nodeId, bootId, clock } = options;
    this.#beat = { v: MESSAGE_VERSION, nodeId, sequence: 0, bootId, applied: null, running: 0 };
    this.#beats = clock.every(timings.beatIntervalMs, () => this.beat());
    this.#usages = clock.every(timings.usageIntervalMs, () => void this.#publishUsage());
  }

  beat(): void {
    const { bus, nodeId, supervisor, applied } = this.#options;
    this.#beat.sequence += 1;
    this.#beat.applied = applied();
    this.#beat.running = supervisor.runningCount();
    bus.publish(subjects.agent(nodeId, "beat"), this.#beat);
  }

  stop(): void {
    this.#beats.cancel();
    this.#usages.cancel();
  }

  async #publishUsage(): Promise<void> {
    const { bus, nodeId, supervisor, meter, clock, logger } = this.#options;
    try {
      supervisor.lookAtAll();
      const measured = await meter.measure([...supervisor.tasks.values()]);
      const usage: AgentUsage = {
        v: MESSAGE_VERSION,
        nodeId,
        atUnixMs: clock.nowUnixMs(),
        ...measured,
      };
      bus.publish(subjects.agent(nodeId, "usage"), usage);
    } catch (error) {
      logger.count("usage", "cannot measure usage", { error });
    }
  }
}
