import { type NodeDescription, type NodeId, WHOLE_GPU_MILLIS } from "@berth/protocol";
import { acceptsGpu } from "../place/gpus.ts";
import type { PlacementRequest } from "../place/placement-request.ts";
import { type Prices } from "../price/index.ts";
import { CapacityCount } from "./capacity-count.ts";
import { Fleet, type NodeRoom } from "./fleet.ts";
import { type FleetRequest, type Preference, takenBy } from "./fleet-request.ts";
import { NodeAttributes } from "./node-attributes.ts";
import { NodeMasks } from "./node-masks.ts";
import { Search } from "./search.ts";
import { stockPrices } from "./stocks.ts";

/**
 * Everything that finding a place takes: what nodes have free, what they are, and what that is worth.
 * It is told of nodes and of prices, and knows nothing of the cluster's state.
 */
export class PlacementEngine {
  readonly fleet: Fleet;
  readonly attributes = new NodeAttributes();
  readonly masks = new NodeMasks(this.attributes);
  readonly search: Search;
  readonly capacity: CapacityCount;
  #prices: Prices;

  constructor(prices: Prices) {
    this.#prices = prices;
    this.fleet = new Fleet(stockPrices(prices));
    this.search = new Search(this.fleet);
    this.capacity = new CapacityCount(this.fleet);
  }

  get prices(): Prices {
    return this.#prices;
  }

  reprice(prices: Prices): void {
    this.#prices = prices;
    this.fleet.reprice(stockPrices(prices));
  }

  /** A node is there, or has changed; returns its slot. */
  setNode(description: NodeDescription, room: NodeRoom): number {
    const slot = this.fleet.set(description.nodeId, room);
    if (this.attributes.nodeAt(slot) === description) return slot;
    this.attributes.set(slot, description);
    this.masks.refresh(slot);
    this.capacity.set(slot, description);
    return slot;
  }

  removeNode(id: NodeId): void {
    const slot = this.fleet.slotOf(id);
    if (slot === undefined) return;
    this.fleet.remove(id);
    this.attributes.clear(slot);
    this.masks.refresh(slot);
    this.capacity.clear(slot);
  }

  /** The request in the fleet's terms, as things are now: to be used before nodes or prices change. */
  compile(
    request: PlacementRequest,
    preferences: readonly Preference[],
    alsoFits: ((slot: number) => boolean) | null,
  ): FleetRequest {
    const { amounts, gpu, numa } = request;
    // A slice is a device of its own: to the fleet it is work without GPUs.
    const isOfGpus = gpu !== null && gpu.slice === undefined;
    const { cpuMillis, memoryMiB, diskMiB, networkMbps } = amounts;
    const gpuCount = isOfGpus ? gpu.count : 0;
    const gpuMillis = isOfGpus ? (gpu.shareMillis ?? WHOLE_GPU_MILLIS) : WHOLE_GPU_MILLIS;
    const { bits, size } = this.masks.maskFor(request);
    // Field by field: the search reads them millions of times, and objects that are spread are slow.
    return {
      cpuMillis,
      memoryMiB,
      diskMiB,
      networkMbps,
      ports: request.dynamicPorts.length,
      gpuCount,
      gpuMillis,
      isZoned: numa === "require",
      mask: bits,
      maskSize: size,
      kinds: isOfGpus ? this.#kindsFor(gpu) : null,
      alsoFits,
      preferences,
      taken: takenBy({ cpuMillis, memoryMiB, gpuCount, gpuMillis }, this.fleet.prices),
    };
  }

  /** Null where any kind will do and no memory is counted. */
  #kindsFor(gpu: NonNullable<PlacementRequest["gpu"]>): Float64Array | null {
    const { models, memoryMiB, shareMillis = WHOLE_GPU_MILLIS } = gpu;
    const isShare = shareMillis < WHOLE_GPU_MILLIS;
    if (!isShare && models.length === 0 && memoryMiB === 0) return null;
    return Float64Array.from(this.fleet.gpuKinds, (kind) => {
      if (!acceptsGpu(kind, gpu)) return Number.POSITIVE_INFINITY;
      if (!isShare || kind.memoryMiB === null) return 0;
      if (memoryMiB > 0) return memoryMiB;
      return Math.floor((kind.memoryMiB * shareMillis) / WHOLE_GPU_MILLIS);
    });
  }
}

/** Whether the columns tell all there is to know of where a request fits. */
export function isPlain(request: PlacementRequest): boolean {
  const { gpu, amounts, diskClass, devices, numa, exclusiveCores, staticPorts } = request;
  return (
    gpu?.slice === undefined &&
    (diskClass === null || amounts.diskMiB === 0) &&
    devices.length === 0 &&
    numa !== "require" &&
    !exclusiveCores &&
    staticPorts.length === 0
  );
}
