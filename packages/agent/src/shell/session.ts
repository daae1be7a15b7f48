import {
  type AgentHelloReply,
  type AllocationReport,
  BerthError,
  type ClusterId,
  type Fence,
  type NodeDescription,
  subjects,
} from "@berth/protocol";
import type { Bus, Clock, Logger, Random, Subscription } from "@berth/runtime";
import type { Leader } from "./leader.ts";
import { type AttemptResult, RetryingLoop } from "./retrying-loop.ts";

export interface SessionOptions {
  readonly bus: Bus;
  readonly leader: Leader;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The cluster joined by an earlier start; null on the first. */
  readonly clusterId: ClusterId | null;
  readonly description: NodeDescription;
  readonly applied: () => Fence | null;
  readonly reports: () => AllocationReport[];
  readonly onJoined: (reply: AgentHelloReply) => void;
}

/**
 * Introduces the node on every connect, whenever its description changes, and to a leader that does
 * not know it.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #loop: RetryingLoop;
  readonly #status: Subscription;
  readonly #asked: Subscription;
  #description: NodeDescription;
  #clusterId: ClusterId | null;
  #isJoined = false;
  #isHelloDue = true;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#description = options.description;
    this.#clusterId = options.clusterId;
    const { bus, clock, random, leader } = options;
    leader.whenStranger(() => this.#introduceAgain());
    const { nodeId } = options.description;
    this.#asked = bus.subscribe(subjects.nodeIntroduce(nodeId), () => this.#introduceAgain());
    this.#loop = new RetryingLoop({
      clock,
      random,
      attempt: () => this.#sayHello(),
      onFailure: (cause) => this.#failed(cause),
    });
    this.#status = bus.onStatus((status) => {
      this.#isJoined = false;
      this.#isHelloDue = true;
      if (status === "connected") this.#loop.wake();
    });
  }

  /** The cluster, while the leader knows this connection; null otherwise. */
  get joined(): ClusterId | null {
    return this.#isJoined ? this.#clusterId : null;
  }

  get clusterId(): ClusterId | null {
    return this.#clusterId;
  }

  get description(): NodeDescription {
    return this.#description;
  }

  start(): void {
    this.#loop.wake();
  }

  describe(description: NodeDescription): void {
    this.#description = description;
    this.#isHelloDue = true;
    this.#loop.wake();
  }

  /** A leader that forgot this node, or was elected without knowing it, has to hear of it again. */
  #introduceAgain(): void {
    if (!this.#isJoined) return;
    this.#isJoined = false;
    this.#isHelloDue = true;
    this.#loop.wake();
  }

  stop(): void {
    this.#status.unsubscribe();
    this.#asked.unsubscribe();
    this.#loop.stop();
  }

  async #sayHello(): Promise<AttemptResult> {
    const { bus, leader, applied, reports, onJoined, logger } = this.#options;
    if (bus.status !== "connected" || !this.#isHelloDue) return "idle";
    this.#isHelloDue = false;
    try {
      const reply = await leader.hello(this.#description, this.#clusterId, applied(), reports());
      if (this.#clusterId !== null && reply.clusterId !== this.#clusterId) {
        throw new BerthError("wrong_cluster", `this node belongs to ${this.#clusterId}`, {
          hint: "Give the agent another state folder to let it join another cluster.",
          details: { answered: reply.clusterId },
        });
      }
      const isNews = !this.#isJoined;
      this.#clusterId = reply.clusterId;
      this.#isJoined = bus.status === "connected";
      if (isNews) logger.info("joined", { cluster: reply.clusterId });
      onJoined(reply);
      return "idle";
    } catch (cause) {
      this.#isHelloDue = true;
      throw cause;
    }
  }

  #failed(cause: unknown): void {
    const code = cause instanceof BerthError ? cause.code : "internal";
    this.#options.logger.count(`hello ${code}`, "cannot join the cluster yet", { cause });
  }
}
