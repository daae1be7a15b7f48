import { type ClusterEvent, limits } from "@berth/protocol";
import { Ledger } from "../place/ledger.ts";
import type { ClusterState } from "../state/cluster-state.ts";

/**
 * Nodes looked at in one pass before others get their turn on the thread: about a tenth of a
 * second. A workload that has begun is finished.
 */
const NODE_LOOKS_MAX = 50_000;

/** What the decisions of one pass share: each sees the room that those before it took. */
export class Pass {
  readonly state: ClusterState;
  readonly nowUnixMs: number;
  readonly ledger = new Ledger();
  readonly events: ClusterEvent[] = [];
  private readonly bytesMax: number;
  private bytes = 0;
  private nodeLooks = 0;
  private allocationNumber: number;

  constructor(
    state: ClusterState,
    nowUnixMs: number,
    bytesMax: number = limits.evaluationBytesMax,
  ) {
    this.state = state;
    this.bytesMax = bytesMax;
    this.nowUnixMs = nowUnixMs;
    this.allocationNumber = state.nextAllocationNumber;
  }

  /** The number of the next allocation to be placed. */
  get nextAllocationNumber(): number {
    return this.allocationNumber;
  }

  /** Adds an event unless the pass is full; the first one always fits. */
  add(event: ClusterEvent): boolean {
    const bytes = JSON.stringify(event).length + 1;
    if (this.events.length > 0 && this.bytes + bytes > this.bytesMax) return false;
    this.events.push(event);
    this.bytes += bytes;
    if (event.type === "AllocationPlaced") this.allocationNumber += 1;
    return true;
  }

  countLooks(nodes: number): void {
    this.nodeLooks += nodes;
  }

  get isTired(): boolean {
    return this.nodeLooks > NODE_LOOKS_MAX;
  }
}
