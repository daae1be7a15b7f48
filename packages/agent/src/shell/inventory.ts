import type { NodeDescription } from "@berth/protocol";
import type { Clock, Logger, Timer } from "@berth/runtime";
import { agentTimings } from "../limits.ts";
import { type DescribedBy, describeNode, fingerprint } from "./describe-node.ts";
import { HardwareDiscovery } from "./discovery/discover-hardware.ts";
import { measureFileSystem } from "./discovery/file-systems.ts";

/** Knows what the node is, and notices when that changes. */
export class Inventory {
  readonly #discovery: HardwareDiscovery;
  readonly #by: DescribedBy;
  readonly #logger: Logger;
  readonly #timer: Timer;
  #description: NodeDescription;
  #listen: ((description: NodeDescription) => void) | null = null;

  private constructor(
    discovery: HardwareDiscovery,
    by: DescribedBy,
    description: NodeDescription,
    clock: Clock,
    logger: Logger,
  ) {
    this.#discovery = discovery;
    this.#by = by;
    this.#description = description;
    this.#logger = logger;
    this.#timer = clock.every(agentTimings.inventoryIntervalMs, () => void this.#lookAgain());
  }

  static async start(
    by: Omit<DescribedBy, "diskMiB">,
    clock: Clock,
    logger: Logger,
  ): Promise<Inventory> {
    const discovery = await HardwareDiscovery.start(clock, logger);
    const disk = await measureFileSystem(by.options.state);
    // What root keeps for itself is nobody's: usable is what is used and what is available.
    const diskMiB = disk === null ? 0 : disk.usedMiB + disk.availableMiB;
    const complete = { ...by, diskMiB };
    const description = describeNode(await discovery.look(), complete);
    return new Inventory(discovery, complete, description, clock, logger);
  }

  get description(): NodeDescription {
    return this.#description;
  }

  onChange(listen: (description: NodeDescription) => void): void {
    this.#listen = listen;
  }

  stop(): void {
    this.#timer.cancel();
  }

  async #lookAgain(): Promise<void> {
    try {
      const description = describeNode(await this.#discovery.look(), this.#by);
      if (fingerprint(description) === fingerprint(this.#description)) return;
      this.#logger.info("the node has changed");
      this.#description = description;
      this.#listen?.(description);
    } catch (error) {
      this.#logger.count("inventory", "cannot look at the hardware again", { error });
    }
  }
}
