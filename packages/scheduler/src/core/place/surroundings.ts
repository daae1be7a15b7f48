import type { NodeId, WorkloadId } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import type { ClusterState, NodeRecord, WorkloadRecord } from "../state/cluster-state.ts";
import { nodeAttribute } from "./node-attribute.ts";
import type { PlacementRequest } from "./placement-request.ts";

/** The value of an attribute on a node; nodes without the attribute share the value "". */
export function valueOf(node: NodeRecord, path: string): string {
  return String(nodeAttribute(node.description, path) ?? "");
}

/**
 * What else runs where, as far as the rules of a request ask: how many of its own workload each
 * value of an attribute has, and at which values something of another workload lives.
 */
export interface Surroundings {
  /** Live allocations of the same workload on nodes with that value. */
  ownAt(path: string, value: string): number;
  /** Whether something of the workload lives on a node with that value. */
  isAt(workload: WorkloadId, path: string, value: string): boolean;
}

/** For requests without such rules. */
export const NO_SURROUNDINGS: Surroundings = { ownAt: () => 0, isAt: () => false };

/** Surroundings that follow the placements of a pass. */
export class LiveSurroundings implements Surroundings {
  readonly #own = new Map<string, Map<string, number>>();
  readonly #others = new Map<string, Set<string>>();

  /** Looks at what lives now; whatever a pass has placed since is added with `add`. */
  constructor(state: ClusterState, request: PlacementRequest, own: Iterable<NodeId>) {
    for (const path of pathsOf(request)) this.#own.set(path, new Map());
    for (const id of own) this.add(nodeIn(state, id));
    for (const { workload, by } of request.colocate) {
      const values = new Set<string>();
      this.#others.set(`${workload} ${by}`, values);
      for (const id of liveNodesOf(state, state.workloads.get(workload))) {
        values.add(valueOf(nodeIn(state, id), by));
      }
    }
  }

  /** One more of the workload is placed there. */
  add(node: NodeRecord): void {
    for (const [path, counts] of this.#own) {
      const value = valueOf(node, path);
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
  }

  ownAt(path: string, value: string): number {
    return this.#own.get(path)?.get(value) ?? 0;
  }

  isAt(workload: WorkloadId, path: string, value: string): boolean {
    return this.#others.get(`${workload} ${path}`)?.has(value) ?? false;
  }
}

function pathsOf({ kind, spread, distinct }: PlacementRequest): Set<string> {
  const paths = new Set([...spread, ...distinct].map(({ by }) => by));
  if (kind === "service") paths.add("node.id");
  return paths;
}

function nodeIn({ nodes }: ClusterState, id: NodeId): NodeRecord {
  const node = nodes.get(id);
  assert(node, `no node ${id}`);
  return node;
}

/**
 * The node of each live allocation of a workload, stopping ones included: they are still there.
 * `but` are indexes that are about to be placed, as if what lives of them had ended.
 */
export function* liveNodesOf(
  { allocations }: ClusterState,
  workload: WorkloadRecord | undefined,
  but: ReadonlySet<number> = new Set(),
): Generator<NodeId> {
  if (workload === undefined) return;
  for (const { index, live } of workload.slots.values()) {
    if (but.has(index)) continue;
    const allocation = live === null ? undefined : allocations.get(live);
    if (allocation) yield allocation.nodeId;
  }
}
