import { dimensions, type Grant, type NodeId, type ResourceAmounts } from "@berth/protocol";
import type { NodeRecord } from "../state/cluster-state.ts";

/** What is taken on a node, and how many allocations take it. */
export interface NodeUsage {
  readonly granted: Readonly<ResourceAmounts>;
  readonly ports: Taken<number>;
  readonly gpus: Taken<string>;
  readonly allocations: number;
}

interface Taken<Key> {
  readonly size: number;
  has(key: Key): boolean;
  keys(): Iterable<Key>;
}

interface ScratchUsage {
  readonly granted: ResourceAmounts;
  readonly ports: Set<number>;
  readonly gpus: Set<string>;
  allocations: number;
}

/**
 * The nodes as they will be once a pass's decisions are applied: the state's own records, and a
 * private copy of those the pass has touched. The state stays as it is.
 */
export class Ledger {
  private readonly touched = new Map<NodeId, ScratchUsage>();

  usageOf(node: NodeRecord): NodeUsage {
    return (
      this.touched.get(node.id) ?? {
        granted: node.granted,
        ports: node.portsInUse,
        gpus: node.gpusInUse,
        allocations: node.live.size,
      }
    );
  }

  take(node: NodeRecord, grant: Grant): void {
    const usage = this.scratchOf(node);
    for (const dimension of dimensions) usage.granted[dimension] += grant[dimension];
    for (const port of Object.values(grant.ports)) usage.ports.add(port);
    for (const uuid of grant.gpuUuids) usage.gpus.add(uuid);
    usage.allocations += 1;
  }

  release(node: NodeRecord, grant: Grant): void {
    const usage = this.scratchOf(node);
    for (const dimension of dimensions) usage.granted[dimension] -= grant[dimension];
    for (const port of Object.values(grant.ports)) usage.ports.delete(port);
    for (const uuid of grant.gpuUuids) usage.gpus.delete(uuid);
    usage.allocations -= 1;
  }

  private scratchOf(node: NodeRecord): ScratchUsage {
    const known = this.touched.get(node.id);
    if (known) return known;
    const usage = {
      granted: { ...node.granted },
      ports: new Set(node.portsInUse.keys()),
      gpus: new Set(node.gpusInUse.keys()),
      allocations: node.live.size,
    };
    this.touched.set(node.id, usage);
    return usage;
  }
}
