import {
  AgentBeat,
  AgentHello,
  agentNodeOf,
  type AgentHelloReply,
  AgentReport,
  type AgentReportReply,
  type ClusterEvent,
  type ClusterId,
  type DesiredReply,
  DesiredRequest,
  limits,
  MESSAGE_VERSION,
  type NodeId,
  subjects,
  type WireError,
} from "@berth/protocol";
import type { Bus, Clock, Logger, Message, Subscription } from "@berth/runtime";
import type { z } from "zod";
import {
  type ClusterState,
  desiredPage,
  fenceOf,
  observeReports,
  registerNode,
} from "../core/index.ts";
import { accept, invalidRequest, refuse, type Respond } from "./answer.ts";
import { shellLimits } from "./limits.ts";
import { refusal, refusals } from "./refusal.ts";
import { type Present, type Standing, stateOf } from "./standing.ts";

export interface AgentComponents {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly standing: () => Standing;
}

/** An agent's message that has been checked: the shape, and that it speaks for itself. */
type Handler<T> = (body: T, respond: Respond) => void;

/**
 * `berth.agent.<node>.…`: what agents report is in the log before it is acknowledged, because they
 * forget it then. Everything here may come twice or late.
 */
export class AgentService {
  readonly #components: AgentComponents;

  constructor(components: AgentComponents) {
    this.#components = components;
  }

  listen(): Subscription {
    const { bus } = this.#components;
    const subscriptions = [
      this.#serve("hello", AgentHello, (body, respond) => this.#hello(body, respond)),
      this.#serve("report", AgentReport, (body, respond) => this.#report(body, respond)),
      this.#serve("desired", DesiredRequest, (body, respond) => this.#desired(body, respond)),
      bus.subscribe(subjects.agentEvery("beat"), (message) => this.#beat(message)),
    ];
    return {
      unsubscribe() {
        for (const subscription of subscriptions) subscription.unsubscribe();
      },
    };
  }

  #serve<T extends { nodeId: NodeId }>(
    kind: "hello" | "report" | "desired",
    schema: z.ZodType<T>,
    handle: Handler<T>,
  ): Subscription {
    const { bus, logger } = this.#components;
    return bus.subscribe(subjects.agentEvery(kind), ({ subject, body, respond }) => {
      if (respond === null) {
        logger.count(`agent.${kind}.unanswerable`, "an agent left no way to answer", { subject });
        return;
      }
      const parsed = schema.safeParse(body, { reportInput: true });
      if (!parsed.success) {
        const error = invalidRequest(kind, parsed.error);
        logger.count(`agent.${kind}.malformed`, "an agent's message is malformed", {
          subject,
          error,
        });
        refuse(respond, error);
        return;
      }
      if (parsed.data.nodeId !== agentNodeOf(subject)) {
        logger.count(`agent.${kind}.impostor`, "an agent spoke for another node", { subject });
        refuse(respond, refusal("denied", `${parsed.data.nodeId} may not speak on ${subject}`));
        return;
      }
      try {
        handle(parsed.data, respond);
      } catch (cause) {
        logger.error("an agent's message failed", { subject, cause });
        refuse(respond, refusals.internal());
      }
    });
  }

  #hello(hello: AgentHello, respond: Respond): void {
    const standing = this.#components.standing();
    if (standing.mode === "away") return refuse(respond, standing.refusal);
    const state = stateOf(standing);
    const foreign = foreignCluster(state, hello.clusterId);
    if (foreign !== null) return refuse(respond, foreign);
    const misfit = unusableDescription(hello);
    if (misfit !== null) return refuse(respond, misfit);
    const { events, unlisted } = registerNode(state, hello, this.#components.clock.nowUnixMs());
    const reply = (clusterId: ClusterId): AgentHelloReply => ({
      clusterId,
      fence: fenceOf(state, hello.nodeId),
      unlisted,
    });
    if (standing.mode === "leading") standing.reign.heard(hello.nodeId);
    this.#commit(standing, events, respond, reply);
  }

  #report(report: AgentReport, respond: Respond): void {
    const standing = this.#components.standing();
    // An agent forgets what it is told that nobody knows: only a leader's word is good for that.
    if (standing.mode !== "leading") return refuse(respond, standing.refusal);
    const { state } = standing.reign;
    const stranger = this.#stranger(state, report);
    if (stranger !== null) return refuse(respond, stranger);
    const { nodeId, reports } = report;
    const observed = observeReports(state, nodeId, reports, this.#components.clock.nowUnixMs());
    const reply = (): AgentReportReply => ({ unknown: observed.unknown });
    this.#commit(standing, observed.events, respond, reply);
  }

  #desired(request: DesiredRequest, respond: Respond): void {
    const standing = this.#components.standing();
    if (standing.mode === "away") return refuse(respond, standing.refusal);
    const state = stateOf(standing);
    const stranger = this.#stranger(state, request);
    if (stranger !== null) return refuse(respond, stranger);
    const page = desiredPage(state, request.nodeId, request.after, limits.desiredPageBytesMax);
    this.#commit(standing, [], respond, (clusterId): DesiredReply => ({ clusterId, ...page }));
  }

  #beat({ subject, body }: Message): void {
    const { bus, logger } = this.#components;
    const standing = this.#components.standing();
    if (standing.mode !== "leading") return;
    const parsed = AgentBeat.safeParse(body);
    if (!parsed.success || parsed.data.nodeId !== agentNodeOf(subject)) {
      logger.count("agent.beat.malformed", "a beat is malformed", { subject });
      return;
    }
    const { reign } = standing;
    const { nodeId } = parsed.data;
    if (!reign.state.nodes.has(nodeId)) {
      bus.publish(subjects.nodeIntroduce(nodeId), { v: MESSAGE_VERSION });
      return;
    }
    reign.heard(nodeId);
    if (!reign.hints.isBehind(reign.state, parsed.data) || reign.overload() !== null) return;
    const fence = fenceOf(reign.state, nodeId);
    reign.whenDurable(() => reign.hints.askToPull(reign.state, nodeId, fence));
  }

  /** Records what an agent brought and answers when that is in the log. */
  #commit(
    standing: Present,
    events: readonly ClusterEvent[],
    respond: Respond,
    makeReply: (clusterId: ClusterId) => unknown,
  ): void {
    const { clusterId } = stateOf(standing);
    if (clusterId === null) return refuse(respond, refusals.notLeader("it has no cluster yet"));
    if (standing.mode === "following") {
      if (events.length > 0) refuse(respond, standing.refusal);
      else accept(respond, makeReply(clusterId));
      return;
    }
    const { reign } = standing;
    const overload = reign.overload();
    if (overload !== null) return refuse(respond, overload);
    if (!reign.tryRecord(events)) {
      return refuse(respond, refusal("invalid", "one event does not fit an entry of the log"));
    }
    const reply = makeReply(clusterId);
    reign.whenDurable(
      () => accept(respond, reply),
      (error) => refuse(respond, error),
    );
  }

  /** The refusal for an agent of another cluster, or one that has not said hello here. */
  #stranger(
    state: ClusterState,
    { nodeId, clusterId }: { nodeId: NodeId; clusterId: ClusterId },
  ): WireError | null {
    const foreign = foreignCluster(state, clusterId);
    if (foreign !== null || state.nodes.has(nodeId)) return foreign;
    return refusal("not_found", `node ${nodeId} is not registered here`, {
      retryable: true,
      hint: "Say hello first.",
    });
  }
}

function foreignCluster(state: ClusterState, clusterId: ClusterId | null): WireError | null {
  if (clusterId === null || clusterId === state.clusterId) return null;
  return refusal("wrong_cluster", `this is cluster ${state.clusterId}, not ${clusterId}`, {
    hint: "The agent keeps what it runs. Point it at its own cluster, or have it join this one anew.",
    details: { clusterId: state.clusterId },
  });
}

function unusableDescription({ nodeId, description }: AgentHello): WireError | null {
  if (description.nodeId !== nodeId) {
    return refusal("denied", `${nodeId} may not describe ${description.nodeId}`);
  }
  const bytes = new TextEncoder().encode(JSON.stringify(description)).length;
  const max = shellLimits.nodeDescriptionBytesMax;
  if (bytes <= max) return null;
  return refusal("invalid", `the node's description has ${bytes} bytes; at most ${max}`);
}
