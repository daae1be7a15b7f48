import type { NodeDescription } from "@berth/protocol";
import type { Clock, Logger, Timer } from "@berth/runtime";
import { agentTimings } from "../limits.ts";
import { type DescribedBy, describeNode, fingerprint, type Found } from "./describe-node.ts";
import { HardwareDiscovery } from "./discovery/discover-hardware.ts";
import { measureFileSystem } from "./discovery/file-systems.ts";
import { mediaClassOfFolder } from "./discovery/folder-disk.ts";
import { discoverNumaNodes } from "./discovery/numa-nodes.ts";

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
    by: Omit<DescribedBy, "diskMiB" | "mediaClass">,
    clock: Clock,
    logger: Logger,
  ): Promise<Inventory> {
    const discovery = await HardwareDiscovery.start(clock, logger);
    const disk = await measureFileSystem(by.options.state);
    // What root keeps for itself is nobody's: usable is what is used and what is available.
    const diskMiB = disk === null ? 0 : disk.usedMiB + disk.availableMiB;
    const mediaClass = mediaClassOfFolder(by.options.state);
    const complete = { ...by, diskMiB, mediaClass };
    const description = describeNode(await look(discovery), complete);
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
      const description = describeNode(await look(this.#discovery), this.#by);
      if (fingerprint(description) === fingerprint(this.#description)) return;
      this.#logger.info("the node has changed");
      this.#description = description;
      this.#listen?.(description);
    } catch (error) {
      this.#logger.count("inventory", "cannot look at the hardware again", { error });
    }
  }
}

async function look(discovery: HardwareDiscovery): Promise<Found> {
  const hardware = await discovery.look();
  return { hardware, numaNodes: discoverNumaNodes(hardware.gpus) };
}
