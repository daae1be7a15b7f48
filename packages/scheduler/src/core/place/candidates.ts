import { type Grant, limits, type NodeId, type PlacementExplanation } from "@berth/protocol";
import { byCodeUnit } from "../state/canonical-text.ts";
import type { NodeRecord } from "../state/cluster-state.ts";
import { BestFirst } from "./best-first.ts";
import { firstLack } from "./check-node.ts";
import { grantOn } from "./grant.ts";
import type { Ledger } from "./ledger.ts";
import type { PlacementRequest } from "./placement-request.ts";
import { type Score, scoreNode } from "./score-node.ts";
import { type LiveSurroundings, NO_SURROUNDINGS } from "./surroundings.ts";

export interface Placement {
  readonly node: NodeRecord;
  readonly granted: Grant;
  readonly why: PlacementExplanation;
}

interface Candidate {
  readonly node: NodeRecord;
  readonly score: Score;
}

/**
 * Every node that can take one more of a request, best first. Identical requests change only the
 * node they land on, so N of them cost one look at each node and N looks at a heap:
 * O(nodes + N log nodes), and no node is ever skipped.
 */
export class Candidates {
  private readonly request: PlacementRequest;
  private readonly ledger: Ledger;
  private readonly nodesTotal: number;
  /** How many of the same workload each node holds. */
  private readonly replicas: Map<NodeId, number>;
  private readonly surroundings: LiveSurroundings | null;
  private readonly feasible = new BestFirst<Candidate>(isBetter);

  constructor(
    request: PlacementRequest,
    nodes: Iterable<NodeRecord>,
    ledger: Ledger,
    replicas: ReadonlyMap<NodeId, number>,
    surroundings: LiveSurroundings | null = null,
  ) {
    this.surroundings = surroundings;
    this.request = request;
    this.ledger = ledger;
    this.replicas = new Map(replicas);
    let nodesTotal = 0;
    for (const node of nodes) {
      nodesTotal += 1;
      this.consider(node);
    }
    this.nodesTotal = nodesTotal;
  }

  /** The best node for one more, or null when none can take it. Nothing is taken yet. */
  best(allocationNumber: number): Placement | null {
    const nodesFeasible = this.feasible.size;
    const leading: Candidate[] = [];
    while (leading.length < limits.placementCandidatesMax) {
      const candidate = this.feasible.pop();
      if (!candidate) break;
      leading.push(candidate);
    }
    for (const candidate of leading) this.feasible.push(candidate);
    const [chosen] = leading;
    if (!chosen) return null;
    return {
      node: chosen.node,
      granted: grantOn(
        this.request,
        chosen.node,
        this.ledger.usageOf(chosen.node),
        allocationNumber,
      ),
      why: {
        nodesTotal: this.nodesTotal,
        nodesFeasible,
        candidates: leading.map(({ node, score }) => ({
          nodeId: node.id,
          nodeName: node.description.name,
          score: score.total,
          terms: score.terms,
        })),
      },
    };
  }

  /** Takes what `best` just returned; only that node is looked at again. */
  take({ node, granted }: Placement): void {
    this.feasible.pop();
    this.ledger.take(node, granted);
    this.replicas.set(node.id, (this.replicas.get(node.id) ?? 0) + 1);
    this.consider(node);
  }

  private consider(node: NodeRecord): void {
    const { request } = this;
    const usage = this.ledger.usageOf(node);
    const surroundings = this.surroundings ?? NO_SURROUNDINGS;
    if (firstLack(request, node, usage, surroundings)) return;
    const replicas = this.replicas.get(node.id) ?? 0;
    const score = scoreNode(request, node, usage, replicas, surroundings);
    this.feasible.push({ node, score });
  }
}

function isBetter(a: Candidate, b: Candidate): boolean {
  if (a.score.total !== b.score.total) return a.score.total > b.score.total;
  return byCodeUnit(a.node.id, b.node.id) < 0;
}
