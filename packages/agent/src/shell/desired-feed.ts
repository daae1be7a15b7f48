import {
  type AllocationId,
  BerthError,
  type ClusterId,
  DesiredDelta,
  type Fence,
  type NodeId,
  subjects,
} from "@berth/protocol";
import type { Bus, Clock, Logger, Random, Subscription } from "@berth/runtime";
import {
  addPage,
  applyDelta,
  applyListing,
  type DesiredState,
  type Listing,
  unknownDesired,
} from "../core/desired-state.ts";
import { isNewer } from "../core/fence.ts";
import type { Leader } from "./leader.ts";
import { type AttemptResult, RetryingLoop } from "./retrying-loop.ts";

export interface DesiredFeedOptions {
  readonly bus: Bus;
  readonly nodeId: NodeId;
  readonly leader: Leader;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly floor: Fence | null;
  /** The cluster, while joined. */
  readonly joined: () => ClusterId | null;
  readonly onDesired: (state: DesiredState) => void;
}

/** A listing that moves on between its pages this often is left for later. */
const RESTARTS_MAX = 5;

/** Keeps up with the desired state: pulled as a whole, then followed by deltas. */
export class DesiredFeed {
  readonly #options: DesiredFeedOptions;
  readonly #pull: RetryingLoop;
  readonly #subscription: Subscription;
  #state: DesiredState;
  /** The newest fence anybody has mentioned. */
  #wanted: Fence | null = null;

  constructor(options: DesiredFeedOptions) {
    this.#options = options;
    this.#state = unknownDesired(options.floor);
    const { bus, nodeId, clock, random, logger } = options;
    this.#pull = new RetryingLoop({
      clock,
      random,
      attempt: () => this.#pullAll(),
      onFailure: (cause) => logger.count("desired", "cannot pull the desired state yet", { cause }),
    });
    this.#subscription = bus.subscribe(subjects.nodeDesired(nodeId), ({ body }) =>
      this.#receive(body),
    );
  }

  get applied(): Fence | null {
    return this.#state.applied;
  }

  /** The leader is at this fence. */
  seen(fence: Fence): void {
    if (isNewer(fence, this.#wanted)) this.#wanted = fence;
    if (this.#isBehind()) this.#pull.wake();
  }

  stop(): void {
    this.#subscription.unsubscribe();
    this.#pull.stop();
  }

  #receive(body: unknown): void {
    const parsed = DesiredDelta.safeParse(body);
    if (!parsed.success) {
      this.#options.logger.count("delta.invalid", "a change of the desired state is malformed");
      return;
    }
    const delta = parsed.data;
    const clusterId = this.#options.joined();
    if (clusterId === null) return; // the whole is pulled after joining
    if (delta.clusterId !== clusterId) {
      this.#options.logger.count("delta.wrong_cluster", "refused orders from another cluster");
      return;
    }
    const applied = applyDelta(this.#state, delta);
    if (applied.result === "applied") this.#take(applied.state);
    else if (applied.result === "gap") this.seen(delta.fence);
  }

  async #pullAll(): Promise<AttemptResult> {
    const clusterId = this.#options.joined();
    if (clusterId === null || !this.#isBehind()) return "idle";
    const listing = await this.#list(clusterId);
    const state = applyListing(this.#state, listing);
    if (state === null) {
      throw new BerthError("conflict", "the leader offers an older desired state", {
        details: { offered: { ...listing.fence } },
        retryable: true,
      });
    }
    this.#take(state);
    return this.#isBehind() ? "later" : "idle";
  }

  async #list(clusterId: ClusterId): Promise<Listing> {
    for (let restarts = 0; restarts < RESTARTS_MAX; restarts += 1) {
      const listing = await this.#listOnce(clusterId);
      if (listing !== null) return listing;
    }
    throw new BerthError("conflict", "the desired state changes faster than it can be pulled", {
      retryable: true,
    });
  }

  /** Null when it moved on between two pages. */
  async #listOnce(clusterId: ClusterId): Promise<Listing | null> {
    let listing: Listing | null = null;
    let after: AllocationId | null = null;
    for (;;) {
      const page = await this.#options.leader.desired(clusterId, after);
      if (page.clusterId !== clusterId) {
        throw new BerthError("wrong_cluster", "another cluster answers");
      }
      listing = addPage(listing, page);
      const last = page.allocations.at(-1);
      if (listing === null || !page.more || last === undefined) return listing;
      after = last.allocationId;
    }
  }

  #isBehind(): boolean {
    const { applied } = this.#state;
    return applied === null || (this.#wanted !== null && isNewer(this.#wanted, applied));
  }

  #take(state: DesiredState): void {
    this.#state = state;
    this.#options.onDesired(state);
  }
}
