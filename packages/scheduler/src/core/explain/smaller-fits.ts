import { dimensions, type RejectionCode, type SmallerFit } from "@berth/protocol";
import { firstLack, type Lack } from "../place/check-node.ts";
import { isShare } from "../place/gpus.ts";
import type { NodeUsage } from "../place/ledger.ts";
import type { PlacementRequest } from "../place/placement-request.ts";
import type { Surroundings } from "../place/surroundings.ts";
import type { NodeRecord } from "../state/cluster-state.ts";

type SmallerDimension = SmallerFit["dimension"];

/** What asking for less of a dimension may cure. */
const curable: Readonly<Record<SmallerDimension, ReadonlySet<RejectionCode>>> = {
  cpuMillis: new Set(["cpu.capacity", "cpu.free", "numa.capacity", "numa.free"]),
  memoryMiB: new Set(["memory.capacity", "memory.free", "numa.capacity", "numa.free"]),
  diskMiB: new Set(["disk.capacity", "disk.health", "disk.free"]),
  networkMbps: new Set(["network.capacity", "network.free"]),
  gpuCount: new Set(["gpu.capacity", "gpu.health", "gpu.free", "numa.capacity", "numa.free"]),
};
const EXCLUSIVE_STEP_MILLIS = 1_000;

interface Search {
  readonly dimension: SmallerDimension;
  readonly requested: number;
  /** What is asked for is a multiple of this. */
  readonly step: number;
  /** The most that fits on a node seen so far; 0 for none. */
  fits: number;
  node: NodeRecord | null;
}

/**
 * For each dimension that is asked for, the most of it that fits somewhere with the others as
 * asked. Exact: `firstLack` decides for every node that nothing else keeps it off, and less of a
 * dimension never fits worse. A node that cannot beat the best so far costs one look.
 */
export class SmallerFits {
  readonly #request: PlacementRequest;
  readonly #surroundings: Surroundings;
  readonly #isWithheld: (node: NodeRecord) => boolean;
  readonly #searches: readonly Search[];

  constructor(
    request: PlacementRequest,
    surroundings: Surroundings,
    isWithheld: (node: NodeRecord) => boolean = () => false,
  ) {
    this.#request = request;
    this.#surroundings = surroundings;
    this.#isWithheld = isWithheld;
    this.#searches = searchesFor(request);
  }

  /** `lacks`: everything that keeps the request as it is off the node. */
  consider(node: NodeRecord, usage: NodeUsage, lacks: readonly Lack[]): void {
    for (const search of this.#searches) {
      const cures = curable[search.dimension];
      if (!lacks.every(({ code }) => cures.has(code)) || this.#isWithheld(node)) continue;
      const most = this.#most(search, node, usage);
      if (most === null) continue;
      search.fits = most;
      search.node = node;
    }
  }

  /** Those that ask for the largest part of what was asked first. */
  list(): SmallerFit[] {
    return this.#searches
      .flatMap(({ dimension, requested, fits, node }) =>
        node
          ? [{ dimension, requested, fits, nodeId: node.id, nodeName: node.description.name }]
          : [],
      )
      .sort((a, b) => b.fits / b.requested - a.fits / a.requested);
  }

  /** The most that fits there, if that is more than elsewhere: a binary search. */
  #most(search: Search, node: NodeRecord, usage: NodeUsage): number | null {
    const { requested, step } = search;
    const fits = (steps: number) => {
      const smaller = reduced(this.#request, search.dimension, steps * step);
      return firstLack(smaller, node, usage, this.#surroundings) === null;
    };
    let low = search.fits / step + 1;
    let high = Math.ceil(requested / step) - 1;
    if (low > high || !fits(low)) return null;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (fits(middle)) low = middle;
      else high = middle - 1;
    }
    return low * step;
  }
}

function searchesFor({ amounts, gpu, exclusiveCores }: PlacementRequest): Search[] {
  const searches: Search[] = [];
  for (const dimension of dimensions) {
    const step = dimension === "cpuMillis" && exclusiveCores ? EXCLUSIVE_STEP_MILLIS : 1;
    const requested = amounts[dimension];
    if (requested > 0) searches.push({ dimension, requested, step, fits: 0, node: null });
  }
  if (gpu && !isShare(gpu)) {
    searches.push({ dimension: "gpuCount", requested: gpu.count, step: 1, fits: 0, node: null });
  }
  return searches;
}

function reduced(
  request: PlacementRequest,
  dimension: SmallerDimension,
  amount: number,
): PlacementRequest {
  if (dimension !== "gpuCount") {
    return { ...request, amounts: { ...request.amounts, [dimension]: amount } };
  }
  return { ...request, gpu: request.gpu && { ...request.gpu, count: amount } };
}
