import { type RejectionCode, rulesOf, type WorkloadId } from "@berth/protocol";
import { Pass } from "../evaluate/pass.ts";
import { everyLack, firstLack } from "../place/check-node.ts";
import type { PlacementRequest } from "../place/placement-request.ts";
import { NO_SURROUNDINGS, type Surroundings } from "../place/surroundings.ts";
import type { AllocationRecord, NodeRecord } from "../state/cluster-state.ts";
import { addGrant, copyUsage, type NodeUsage, subtractGrant } from "../state/node-usage.ts";
import type { Draft } from "./draft.ts";
import { type Move, tryMove } from "./try-move.ts";

/** A node that would have room for a request, and what would have to go for it. */
export interface Seat {
  readonly node: NodeRecord;
  readonly leaving: readonly AllocationRecord[];
}

/** What others hold, and would hold no more if they went. */
const taken: ReadonlySet<RejectionCode> = new Set([
  "allocations.max",
  "gpu.free",
  "gpu.share",
  "device.free",
  "cpu.free",
  "memory.free",
  "disk.free",
  "network.free",
  "numa.free",
  "port.static",
  "port.range",
]);

/**
 * Which of `movable`, all of them on the node, would have to go so that the request fits beside
 * `usage`: few, and none of them for nothing. Null when all of them are not enough.
 */
export function leavingFor(
  request: PlacementRequest,
  node: NodeRecord,
  movable: readonly AllocationRecord[],
  usage: NodeUsage = node.usage,
  surroundings: Surroundings = NO_SURROUNDINGS,
): AllocationRecord[] | null {
  const lacks = everyLack(request, node, usage, surroundings);
  if (lacks.some(({ code }) => !taken.has(code))) return null;
  const account = copyUsage(usage);
  const fits = () => firstLack(request, node, account, surroundings) === null;
  let leaving: AllocationRecord[] = [];
  for (const allocation of movable) {
    if (fits()) break;
    subtractGrant(account, allocation.granted);
    leaving.push(allocation);
  }
  if (!fits()) return null;
  for (const allocation of leaving) {
    addGrant(account, allocation.granted);
    if (fits()) leaving = leaving.filter((other) => other !== allocation);
    else subtractGrant(account, allocation.granted);
  }
  return leaving;
}

/**
 * What may be moved away from the node, largest first, so that few have to go. Of a workload whose
 * own rules look at where the rest of it is, only one: trials do not see each other.
 */
export function movableOn(draft: Draft, node: NodeRecord): AllocationRecord[] {
  const once = new Set<WorkloadId>();
  const movable = [...node.live].flatMap((id) => {
    const allocation = draft.state.allocations.get(id);
    if (!allocation || !draft.isMovable(allocation)) return [];
    const { distinct, colocate } = rulesOf(allocation.spec);
    if (distinct.length + colocate.length > 0) {
      if (once.has(allocation.workloadId)) return [];
      once.add(allocation.workloadId);
    }
    return [{ allocation, units: draft.unitsOf(allocation.granted) }];
  });
  return movable
    .sort((a, b) => b.units - a.units || a.allocation.number - b.allocation.number)
    .map(({ allocation }) => allocation);
}

/** The moves that empty a seat, and the pass that knows what they take elsewhere. */
export interface TriedSeat {
  readonly moves: Move[];
  readonly pass: Pass;
}

/** Null when placement does not find another place for each that would have to go. */
export function trySeat(draft: Draft, { node, leaving }: Seat): TriedSeat | null {
  const pass = new Pass(draft.state, draft.scratch.nowUnixMs, Number.POSITIVE_INFINITY);
  const moves: Move[] = [];
  for (const allocation of leaving) {
    const move = draft.countTrial() ? tryMove(pass, allocation, node.id) : null;
    if (move === null) return null;
    moves.push(move);
  }
  return { moves, pass };
}
