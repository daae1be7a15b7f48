import type { DeviceHealth, Hardware, NodeDescription } from "@berth/protocol";
import type { Clock, Logger, Timer } from "@berth/runtime";
import { worstHealth } from "../core/hardware/worst-health.ts";
import type { GpuUse } from "../core/hardware/nvidia-query.ts";
import { agentTimings } from "../limits.ts";
import { type DescribedBy, describeNode, fingerprint, type Found } from "./describe-node.ts";
import { tryCapabilities } from "./discovery/capabilities.ts";
import { HardwareDiscovery } from "./discovery/discover-hardware.ts";
import { measureFileSystem } from "./discovery/file-systems.ts";
import { disksOfFolder, mediaClassOfFolder, mountOfFolder } from "./discovery/folder-disk.ts";

/** Knows what the node is, and notices when that changes. */
export class Inventory {
  readonly #discovery: HardwareDiscovery;
  readonly #by: DescribedBy;
  readonly #logger: Logger;
  readonly #timer: Timer;
  #description: NodeDescription;
  #listen: ((description: NodeDescription) => void) | null = null;
  #isLooking = false;
  #isLookDue = false;

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
    discovery.onChange(() => void this.#lookAgain());
  }

  static async start(
    by: Omit<DescribedBy, "diskMiB" | "mediaClass" | "capabilities">,
    clock: Clock,
    logger: Logger,
  ): Promise<Inventory> {
    const { state } = by.options;
    const [discovery, disk, capabilities] = await Promise.all([
      HardwareDiscovery.start(clock, logger),
      measureFileSystem(state),
      tryCapabilities(state),
    ]);
    // What root keeps for itself is nobody's: usable is what is used and what is available.
    const diskMiB = disk === null ? 0 : disk.usedMiB + disk.availableMiB;
    const mediaClass = mediaClassOfFolder(state);
    const complete = { ...by, diskMiB, mediaClass, capabilities };
    const description = describeNode(await look(discovery, state), complete);
    return new Inventory(discovery, complete, description, clock, logger);
  }

  get description(): NodeDescription {
    return this.#description;
  }

  /** The newest use of each GPU, by uuid, as far as it is followed. */
  get gpuUse(): ReadonlyMap<string, GpuUse> {
    return this.#discovery.gpuUse;
  }

  onChange(listen: (description: NodeDescription) => void): void {
    this.#listen = listen;
  }

  stop(): void {
    this.#timer.cancel();
    this.#discovery.stop();
  }

  /** One look at a time; what is noticed during one is looked at after it. */
  async #lookAgain(): Promise<void> {
    this.#isLookDue = true;
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      while (this.#isLookDue) {
        this.#isLookDue = false;
        await this.#compare();
      }
    } catch (error) {
      this.#logger.count("inventory", "cannot look at the hardware again", { error });
    } finally {
      this.#isLooking = false;
    }
  }

  async #compare(): Promise<void> {
    const found = await look(this.#discovery, this.#by.options.state);
    const description = describeNode(found, this.#by);
    if (fingerprint(description) === fingerprint(this.#description)) return;
    this.#logger.info("the node has changed");
    this.#description = description;
    this.#listen?.(description);
  }
}

async function look(discovery: HardwareDiscovery, stateFolder: string): Promise<Found> {
  const hardware = await discovery.look();
  return { hardware, diskHealth: stateHealth(hardware, stateFolder) };
}

/** Of the file system that tasks run on, and the disks below it. */
function stateHealth({ disks }: Hardware, folder: string): DeviceHealth | null {
  if (mountOfFolder(folder)?.options.includes("ro")) {
    return { state: "unhealthy", reason: "its file system is read-only" };
  }
  const names = new Set(disksOfFolder(folder).map((name) => `/dev/${name}`));
  return worstHealth(
    disks.flatMap(({ device, health }) => (names.has(device) && health ? [health] : [])),
  );
}
