import {
  AgentBeat,
  type AgentTelemetry,
  AgentUsage,
  agentNodeOf,
  type NodeId,
  type NodeTelemetry,
  subjects,
} from "@berth/protocol";
import type { Bus, Clock, Logger, Message, Subscription } from "@berth/runtime";
import type { Replica } from "./replica.ts";

export interface TelemetryComponents {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly replica: Pick<Replica, "current">;
}

interface Heard {
  beatAtMs: number | null;
  usageAtMs: number | null;
  usage: AgentUsage | null;
  isChanged: boolean;
}

const schemas = { beat: AgentBeat, usage: AgentUsage } as const;

/**
 * The newest beat and usage of each node of the cluster, and of no other: what strangers publish
 * takes no memory.
 */
export class Telemetry {
  readonly #components: TelemetryComponents;
  readonly #heard = new Map<NodeId, Heard>();
  readonly #subscriptions: readonly Subscription[];

  constructor(components: TelemetryComponents) {
    this.#components = components;
    this.#subscriptions = [this.#listenTo("beat"), this.#listenTo("usage")];
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  /** What was said since the last call. */
  takeChanged(): NodeTelemetry[] {
    this.#forgetRemoved();
    const changed: NodeTelemetry[] = [];
    for (const [nodeId, heard] of this.#heard) {
      if (!heard.isChanged) continue;
      heard.isChanged = false;
      changed.push(this.#describe(nodeId, heard));
    }
    return changed;
  }

  /** The newest of every node that ever said something. */
  all(): NodeTelemetry[] {
    return [...this.#heard].map(([nodeId, heard]) => this.#describe(nodeId, heard));
  }

  #listenTo(kind: Exclude<AgentTelemetry, "health">): Subscription {
    return this.#components.bus.subscribe(subjects.agentEvery(kind), (message) => {
      const body = schemas[kind].safeParse(message.body);
      if (!body.success || body.data.nodeId !== agentNodeOf(message.subject)) {
        this.#countMalformed(kind, message);
        return;
      }
      if (!this.#components.replica.current?.state.nodes.has(body.data.nodeId)) return;
      this.#remember(body.data);
    });
  }

  #remember(body: AgentBeat | AgentUsage): void {
    const nowMs = this.#components.clock.monotonicMs();
    const heard = this.#heard.get(body.nodeId) ?? {
      beatAtMs: null,
      usageAtMs: null,
      usage: null,
      isChanged: true,
    };
    if ("host" in body) {
      heard.usage = body;
      heard.usageAtMs = nowMs;
    } else {
      heard.beatAtMs = nowMs;
    }
    heard.isChanged = true;
    this.#heard.set(body.nodeId, heard);
  }

  #describe(nodeId: NodeId, { beatAtMs, usageAtMs, usage }: Heard): NodeTelemetry {
    const nowMs = this.#components.clock.monotonicMs();
    return {
      nodeId,
      beatAgeMs: beatAtMs === null ? null : nowMs - beatAtMs,
      usageAgeMs: usageAtMs === null ? null : nowMs - usageAtMs,
      host: usage?.host ?? null,
      allocations: usage?.allocations ?? [],
    };
  }

  #forgetRemoved(): void {
    const nodes = this.#components.replica.current?.state.nodes;
    for (const nodeId of this.#heard.keys()) {
      if (!nodes?.has(nodeId)) this.#heard.delete(nodeId);
    }
  }

  #countMalformed(kind: string, { subject }: Message): void {
    this.#components.logger.count(`telemetry.${kind}`, `malformed ${kind}`, { subject });
  }
}
