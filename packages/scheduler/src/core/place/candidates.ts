import { type Grant, limits, type NodeId, type PlacementExplanation } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import type { ClusterFleet } from "../fleet/cluster-fleet.ts";
import type { GpuKind } from "../fleet/fleet.ts";
import { NONE } from "../fleet/fleet-columns.ts";
import type { FleetRequest } from "../fleet/fleet-request.ts";
import { LOSS_MAX, lossAt } from "../fleet/node-loss.ts";
import { attributeColumn } from "../fleet/node-masks.ts";
import { isPlain } from "../fleet/placement-engine.ts";
import { PreferencesInForce } from "../fleet/preferences-in-force.ts";
import { BEFORE_ALL, type Found } from "../fleet/search.ts";
import type { NodeRecord } from "../state/cluster-state.ts";
import { firstLack } from "./check-node.ts";
import { grantOn } from "./grant.ts";
import type { Ledger } from "./ledger.ts";
import type { PlacementRequest } from "./placement-request.ts";
import { type Score, type ScoreContext, scoreNode } from "./score-node.ts";
import type { LiveSurroundings } from "./surroundings.ts";

export interface Placement {
  readonly node: NodeRecord;
  readonly granted: Grant;
  readonly why: PlacementExplanation;
}

/** The fleet's columns are looked at so many times as quickly as a node itself. */
export const LOOKS_PER_LOOK = 64;

/**
 * The nodes for one workload's allocations, best first. The fleet finds them; what is said of them, and
 * what they give, comes from the nodes themselves.
 */
export class Candidates {
  readonly #request: PlacementRequest;
  readonly #fleet: ClusterFleet;
  readonly #ledger: Ledger;
  readonly #surroundings: LiveSurroundings;
  readonly #preferences: PreferencesInForce;
  readonly #compiled: FleetRequest;
  readonly #context: ScoreContext;
  /** Nodes that can take one more; null when nobody has counted since that changed. */
  #feasible: number | null = null;

  constructor(
    fleet: ClusterFleet,
    ledger: Ledger,
    own: readonly NodeId[],
    request: PlacementRequest,
    surroundings: LiveSurroundings,
  ) {
    this.#fleet = fleet;
    this.#ledger = ledger;
    this.#request = request;
    this.#surroundings = surroundings;
    const { engine, state } = fleet;
    this.#preferences = new PreferencesInForce(request, engine.attributes, engine.masks, {
      own: countsOf(own.map((id) => fleet.slotOf(id))),
      slotsOf: (id) => fleet.slotsOf(state.workloads.get(id)),
    });
    const alsoFits = isPlain(request) ? null : (slot: number) => this.#fits(fleet.recordAt(slot));
    this.#compiled = engine.compile(request, this.#preferences.all, alsoFits);
    this.#context = {
      prices: engine.fleet.prices,
      premiumOf: (kind: GpuKind) =>
        engine.fleet.prices.premiums[engine.fleet.kindNumber(kind)] ?? 0,
      ownAt: (path, value) => surroundings.ownAt(path, value),
      valuesOf: (path) => attributeColumn(engine.attributes, path).valuesInUse,
    };
  }

  /** What finding the first place takes, in looks at nodes as other code takes them. */
  get nodeLooks(): number {
    const { nodes } = this.#fleet.engine.fleet;
    return this.#compiled.alsoFits === null ? Math.ceil(nodes / LOOKS_PER_LOOK) : nodes;
  }

  /**
   * The best node for one more, or null when none can take it. Nothing is taken yet. It is explained
   * with at most so many of the nodes that could have taken it.
   */
  best(
    allocationNumber: number,
    candidatesMax: number = limits.placementCandidatesMax,
  ): Placement | null {
    const leading = this.#leading(candidatesMax);
    const [chosen] = leading;
    if (!chosen) return null;
    const usage = this.#fleet.usageOf(chosen.node);
    this.#feasible ??= this.#countFeasible();
    return {
      node: chosen.node,
      granted: grantOn(
        this.#request,
        chosen.node,
        usage,
        allocationNumber,
        this.#context.prices.leftover,
      ),
      why: {
        nodesTotal: this.#fleet.state.nodes.size,
        nodesFeasible: this.#feasible,
        candidates: leading.map(({ node, score }) => ({
          nodeId: node.id,
          nodeName: node.description.name,
          score: score.total,
          terms: score.terms,
        })),
      },
    };
  }

  /** Takes what `best` just returned. */
  take({ node, granted }: Placement): void {
    this.#ledger.take(node, granted);
    this.#fleet.follow(this.#ledger);
    const slot = this.#fleet.slotOf(node.id);
    this.#surroundings.add(node);
    this.#preferences.add(slot);
    if (this.#preferences.forbidsOthers) this.#feasible = null;
    else if (this.#feasible !== null && !this.#isFeasible(slot)) this.#feasible -= 1;
  }

  #leading(candidatesMax: number): { readonly node: NodeRecord; readonly score: Score }[] {
    const { engine } = this.#fleet;
    const leading = [];
    let after: Found = BEFORE_ALL;
    while (leading.length < candidatesMax) {
      const slot = engine.search.find(this.#compiled, after);
      if (slot === NONE) break;
      const { loss } = engine.search;
      const node = this.#fleet.recordAt(slot);
      const score = scoreNode(this.#request, node, this.#fleet.usageOf(node), this.#context);
      assert(score.total === -loss, `${node.id} scores ${score.total}, and ${-loss} in the fleet`);
      leading.push({ node, score });
      after = { slot, loss, rank: engine.fleet.columns.rank[slot] as number };
    }
    return leading;
  }

  #countFeasible(): number {
    const { order, nodes } = this.#fleet.engine.fleet;
    let feasible = 0;
    for (let at = 0; at < nodes; at += 1) {
      if (this.#isFeasible(order[at] as number)) feasible += 1;
    }
    return feasible;
  }

  #isFeasible(slot: number): boolean {
    const { fleet } = this.#fleet.engine;
    if (!fleet.isOpen(slot) || lossAt(fleet, this.#compiled, slot) >= LOSS_MAX) return false;
    return this.#compiled.alsoFits?.(slot) !== false;
  }

  #fits(node: NodeRecord): boolean {
    const usage = this.#fleet.usageOf(node);
    return firstLack(this.#request, node, usage, this.#surroundings) === null;
  }
}

/** The one node that an allocation is for, if it can take it. */
export function placementOn(
  fleet: ClusterFleet,
  request: PlacementRequest,
  node: NodeRecord,
  allocationNumber: number,
): Placement | null {
  const usage = fleet.usageOf(node);
  if (firstLack(request, node, usage)) return null;
  const { prices } = fleet.engine.fleet;
  const score = scoreNode(request, node, usage, {
    prices,
    premiumOf: (kind: GpuKind) => prices.premiums[fleet.engine.fleet.kindNumber(kind)] ?? 0,
    ownAt: () => 0,
    valuesOf: () => 1,
  });
  const { id: nodeId, description } = node;
  return {
    node,
    granted: grantOn(request, node, usage, allocationNumber, prices.leftover),
    why: {
      nodesTotal: 1,
      nodesFeasible: 1,
      candidates: [{ nodeId, nodeName: description.name, score: score.total, terms: score.terms }],
    },
  };
}

function countsOf(slots: Iterable<number>): Map<number, number> {
  const counts = new Map<number, number>();
  for (const slot of slots) counts.set(slot, (counts.get(slot) ?? 0) + 1);
  return counts;
}
