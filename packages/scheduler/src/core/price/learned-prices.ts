import type { WorkloadId } from "@berth/protocol";
import type { WorkloadRecord } from "../state/cluster-state.ts";
import { type Capacity, gpuCapacityMillis, NO_CAPACITY } from "./capacity.ts";
import { DemandHistogram } from "./demand-histogram.ts";
import { priceCluster, type Prices } from "./prices.ts";

/** Capacity has changed when this part of what was priced went or came: one in … */
const CHANGED_PART = 4;

/**
 * Prices learned from the cluster's own demand. Noting a change is cheap; prices are made anew only
 * when demand or capacity has changed by a quarter, because that voids every score made with them.
 */
export class LearnedPrices {
  readonly #demand = new DemandHistogram();
  #capacity: Capacity = NO_CAPACITY;
  #prices: Prices = priceCluster([], NO_CAPACITY);

  /** The prices in force: the same object until `refresh` says otherwise. */
  get current(): Prices {
    return this.#prices;
  }

  /** A workload has come or changed. */
  note(workload: WorkloadRecord): void {
    this.#demand.note(workload);
  }

  /** A workload is no more. */
  forget(id: WorkloadId): void {
    this.#demand.forget(id);
  }

  /** Prices anew when that is due. True when it did: scores made with older prices are void. */
  refresh(capacity: Capacity): boolean {
    if (!this.#demand.hasChanged && !isFarFrom(capacity, this.#capacity)) return false;
    this.#prices = priceCluster(this.#demand.classes(), capacity);
    this.#capacity = capacity;
    this.#demand.markPriced();
    return true;
  }
}

function isFarFrom(now: Capacity, priced: Capacity): boolean {
  if (now === priced) return false;
  const amounts = [
    [gpuCapacityMillis(now), gpuCapacityMillis(priced)],
    [now.besideGpus.cpuMillis, priced.besideGpus.cpuMillis],
    [now.elsewhere.cpuMillis, priced.elsewhere.cpuMillis],
  ] as const;
  const hasNewKind = now.gpuKinds.length !== priced.gpuKinds.length;
  return hasNewKind || amounts.some(([a, b]) => a !== b && Math.abs(a - b) * CHANGED_PART >= b);
}
