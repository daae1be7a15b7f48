import {
  limits,
  type NearestFit,
  type NoFit,
  type Rejection,
  rejectionCodes,
} from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { everyLack, type Lack } from "../place/check-node.ts";
import type { Ledger } from "../place/ledger.ts";
import type { PlacementRequest } from "../place/placement-request.ts";
import { NO_SURROUNDINGS, type Surroundings } from "../place/surroundings.ts";
import { byCodeUnit } from "../state/canonical-text.ts";
import type { NodeRecord } from "../state/cluster-state.ts";
import { SmallerFits } from "./smaller-fits.ts";

/**
 * Why none of these nodes fits: each counted once, the ones that come nearest, and what would fit
 * if it asked for less. One look at every node. `withheld` says what keeps the request off a node
 * that has room for it; then it is the only lack.
 */
export function explainNoFit(
  request: PlacementRequest,
  nodes: readonly NodeRecord[],
  ledger: Pick<Ledger, "usageOf">,
  surroundings: Surroundings = NO_SURROUNDINGS,
  withheld: (node: NodeRecord) => Lack | null = () => null,
): NoFit {
  const rejections = new Rejections();
  const nearest = new NearestFits();
  const smaller = new SmallerFits(request, surroundings, (node) => withheld(node) !== null);
  for (const node of nodes) {
    const usage = ledger.usageOf(node);
    const lacks = everyLack(request, node, usage, surroundings);
    const held = lacks.length === 0 ? withheld(node) : null;
    if (held) lacks.push(held);
    const [first] = lacks;
    assert(first, `${node.id} is explained as unfit and fits`);
    rejections.add(first);
    nearest.consider(node, lacks);
    smaller.consider(node, usage, lacks);
  }
  const fits = smaller.list();
  return {
    reason: "no_fit",
    nodesTotal: nodes.length,
    rejections: rejections.list(),
    nearest: nearest.list(),
    ...(fits.length === 0 ? {} : { smaller: fits }),
  };
}

/** Nodes by the first step they fail, with the most that any of them had. */
class Rejections {
  readonly #byStep = new Map<string, Rejection>();

  add({ code, subject, requested, available }: Lack): void {
    const key = `${code} ${subject ?? ""}`;
    const known = this.#byStep.get(key);
    if (!known) this.#byStep.set(key, { code, nodes: 1, subject, requested, best: available });
    else {
      known.nodes += 1;
      known.best = larger(known.best, available);
    }
  }

  list(): Rejection[] {
    const all = [...this.#byStep.values()];
    return rejectionCodes.flatMap((code) =>
      mergeMany(all.filter((rejection) => rejection.code === code)).sort((a, b) =>
        byCodeUnit(a.subject ?? "", b.subject ?? ""),
      ),
    );
  }
}

/** Every node may have a taint of its own: beyond the commonest ones they are only counted. */
function mergeMany(rejections: Rejection[]): Rejection[] {
  if (rejections.length <= limits.rejectionSubjectsMax) return rejections;
  const commonest = rejections.sort(
    (a, b) => b.nodes - a.nodes || byCodeUnit(a.subject ?? "", b.subject ?? ""),
  );
  const rest = commonest.splice(limits.rejectionSubjectsMax - 1);
  const merged = rest.reduce((sum, { nodes, best }) => ({
    ...sum,
    nodes: sum.nodes + nodes,
    best: larger(sum.best, best),
  }));
  return [...commonest, { ...merged, subject: null }];
}

function larger(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}

interface Distance {
  readonly node: NodeRecord;
  readonly lacks: readonly Lack[];
  readonly missingPermille: number;
}

/** Fewest lacks first, then the smallest share of the request that is missing, then by node id. */
class NearestFits {
  readonly #nearest: Distance[] = [];

  consider(node: NodeRecord, lacks: readonly Lack[]): void {
    const nearest = this.#nearest;
    const distance = { node, lacks, missingPermille: missingPermille(lacks) };
    const last = nearest.at(-1);
    if (nearest.length === limits.nearestFitsMax && last && compare(distance, last) >= 0) return;
    nearest.push(distance);
    nearest.sort(compare);
    nearest.length = Math.min(nearest.length, limits.nearestFitsMax);
  }

  list(): NearestFit[] {
    return this.#nearest.map(({ node, lacks }) => ({
      nodeId: node.id,
      nodeName: node.description.name,
      shortfalls: lacks.map(({ code, requested, available }) => ({ code, requested, available })),
    }));
  }
}

function compare(a: Distance, b: Distance): number {
  return (
    a.lacks.length - b.lacks.length ||
    a.missingPermille - b.missingPermille ||
    byCodeUnit(a.node.id, b.node.id)
  );
}

/** The share of what is asked that is missing; a lack that is not an amount counts as all of it. */
export function missingPermille(lacks: readonly Lack[]): number {
  return lacks.reduce((sum, lack) => sum + missingOf(lack), 0);
}

function missingOf({ requested, available }: Lack): number {
  if (requested === null || requested === 0 || available === null) return 1000;
  return Math.floor((1000 * (requested - available)) / requested);
}
