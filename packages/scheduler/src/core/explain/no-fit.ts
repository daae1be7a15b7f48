import {
  limits,
  type NearestFit,
  type NoFit,
  type Rejection,
  rejectionCodes,
} from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { everyLack, firstLack, type Lack } from "../place/check-node.ts";
import type { Ledger } from "../place/ledger.ts";
import type { PlacementRequest } from "../place/placement-request.ts";
import { NO_SURROUNDINGS, type Surroundings } from "../place/surroundings.ts";
import { byCodeUnit } from "../state/canonical-text.ts";
import type { NodeRecord } from "../state/cluster-state.ts";

/** Nodes that would fit and are kept for somebody, with for whom. */
type Reserved = ReadonlyMap<NodeRecord, string>;
const NONE_RESERVED: Reserved = new Map();

/** Why none of these nodes fits: each counted once, and the ones that come nearest. */
export function explainNoFit(
  request: PlacementRequest,
  nodes: readonly NodeRecord[],
  ledger: Ledger,
  surroundings: Surroundings = NO_SURROUNDINGS,
  reserved: Reserved = NONE_RESERVED,
): NoFit {
  return {
    reason: "no_fit",
    nodesTotal: nodes.length,
    rejections: countRejections(request, nodes, ledger, surroundings, reserved),
    nearest: nearestFits(request, nodes, ledger, surroundings, reserved),
  };
}

function countRejections(
  request: PlacementRequest,
  nodes: readonly NodeRecord[],
  ledger: Ledger,
  surroundings: Surroundings,
  reserved: Reserved,
): Rejection[] {
  const byStep = new Map<string, Rejection>();
  for (const node of nodes) {
    const lack =
      firstLack(request, node, ledger.usageOf(node), surroundings) ?? reservedLack(reserved, node);
    assert(lack, `${node.id} is explained as unfit and fits`);
    const key = `${lack.code} ${lack.subject ?? ""}`;
    const known = byStep.get(key);
    if (!known) byStep.set(key, rejectionOf(lack));
    else {
      known.nodes += 1;
      known.best = larger(known.best, lack.available);
    }
  }
  return [...byStep.values()].sort(
    (a, b) =>
      rejectionCodes.indexOf(a.code) - rejectionCodes.indexOf(b.code) ||
      byCodeUnit(a.subject ?? "", b.subject ?? ""),
  );
}

function reservedLack(reserved: Reserved, node: NodeRecord): Lack | null {
  const subject = reserved.get(node);
  if (subject === undefined) return null;
  return { code: "reserved", subject, requested: null, available: null };
}

function rejectionOf({ code, subject, requested, available }: Lack): Rejection {
  return { code, nodes: 1, subject, requested, best: available };
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
function nearestFits(
  request: PlacementRequest,
  nodes: readonly NodeRecord[],
  ledger: Ledger,
  surroundings: Surroundings,
  reserved: Reserved,
): NearestFit[] {
  const nearest: Distance[] = [];
  for (const node of nodes) {
    const unmet = everyLack(request, node, ledger.usageOf(node), surroundings);
    const kept = unmet.length === 0 ? reservedLack(reserved, node) : null;
    const lacks = kept === null ? unmet : [kept];
    const distance = { node, lacks, missingPermille: missingPermille(lacks) };
    const last = nearest.at(-1);
    if (nearest.length === limits.nearestFitsMax && last && compare(distance, last) >= 0) continue;
    nearest.push(distance);
    nearest.sort(compare);
    nearest.length = Math.min(nearest.length, limits.nearestFitsMax);
  }
  return nearest.map(({ node, lacks }) => ({
    nodeId: node.id,
    nodeName: node.description.name,
    shortfalls: lacks.map(({ code, requested, available }) => ({ code, requested, available })),
  }));
}

function compare(a: Distance, b: Distance): number {
  return (
    a.lacks.length - b.lacks.length ||
    a.missingPermille - b.missingPermille ||
    byCodeUnit(a.node.id, b.node.id)
  );
}

/** How far a node is from fitting, summed over what it lacks, in thousandths of what was asked. */
export function missingPermille(lacks: readonly Lack[]): number {
  return lacks.reduce((sum, lack) => sum + missingOf(lack), 0);
}

/** A lack that is not an amount counts as all of it. */
function missingOf({ requested, available }: Lack): number {
  if (requested === null || requested === 0 || available === null) return 1000;
  return Math.floor((1000 * (requested - available)) / requested);
}
