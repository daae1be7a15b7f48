import {
  limits,
  type NoFit,
  type PendingGroup,
  type RejectionCode,
  rulesOf,
  type WorkloadId,
} from "@berth/protocol";
import { Pass } from "../evaluate/pass.ts";
import { placeIndexes } from "../evaluate/place-indexes.ts";
import { everyLack, firstLack } from "../place/check-node.ts";
import { type PlacementRequest, placementRequest } from "../place/placement-request.ts";
import { liveNodesOf, LiveSurroundings, type Surroundings } from "../place/surroundings.ts";
import { byCodeUnit } from "../state/canonical-text.ts";
import {
  type AllocationRecord,
  isOpen,
  type NodeRecord,
  type WorkloadRecord,
} from "../state/cluster-state.ts";
import { eachIndex, rangesOf } from "../state/index-ranges.ts";
import { addGrant, copyUsage, subtractGrant } from "../state/node-usage.ts";
import { groupOf } from "../state/pending-groups.ts";
import type { Draft } from "./draft.ts";
import { type Move, tryMove, tryPlace } from "./try-move.ts";

/** For how many of a workload's indexes there would be room. */
export interface RoomMade {
  readonly waiting: number;
  readonly placeable: number;
  readonly groups: PendingGroup[];
}

/**
 * Moves that make room for the indexes of a workload that wait for it, one index after the other: on
 * the node from which fewest allocations have to go, if placement finds all of them other places.
 * What waits is placed on the scratch state, so that the next index sees what the one before took.
 */
export function* makeRoom(draft: Draft, workload: WorkloadRecord): Generator<void, RoomMade> {
  const indexes = waitingForRoom(workload);
  let placeable = 0;
  for (const index of indexes) {
    if (!(yield* makeRoomForOne(draft, workload, index))) break;
    placeable += 1;
  }
  const rest = indexes.slice(placeable);
  const noFit = rest.length === 0 ? null : whyNot(draft, workload, rest);
  const groups = noFit === null ? [] : [groupOf(rangesOf(rest), noFit)];
  return { waiting: indexes.length, placeable, groups };
}

export function waitingForRoom({ pending }: WorkloadRecord): number[] {
  return pending
    .filter(({ explanation: { reason } }) => reason === "no_fit" || reason === "gang")
    .flatMap(({ indexes }) => [...eachIndex(indexes)])
    .sort((a, b) => a - b);
}

function* makeRoomForOne(
  draft: Draft,
  workload: WorkloadRecord,
  index: number,
): Generator<void, boolean> {
  const fits = tryPlace(passOf(draft), workload, index);
  yield;
  if (fits !== null) {
    draft.place(fits);
    return true;
  }
  const moves = yield* movesForOne(draft, workload);
  if (moves === null) return false;
  for (const move of moves) draft.take(move);
  const placed = tryPlace(passOf(draft), workload, index);
  if (placed === null) return false;
  draft.place(placed);
  return true;
}

function whyNot(
  draft: Draft,
  workload: WorkloadRecord,
  [index = 0]: readonly number[],
): NoFit | null {
  return placeIndexes(passOf(draft), workload, [index]).noFit;
}

function passOf({ state, scratch }: Draft): Pass {
  return new Pass(state, scratch.nowUnixMs, Number.POSITIVE_INFINITY);
}

/** What others hold, and would hold no more if they went. */
const taken: ReadonlySet<RejectionCode> = new Set([
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
  "allocations.max",
]);

/** A node that would have room, and what would have to go for it. */
interface Seat {
  readonly node: NodeRecord;
  readonly leaving: readonly AllocationRecord[];
}

function* movesForOne(draft: Draft, workload: WorkloadRecord): Generator<void, Move[] | null> {
  const request = placementRequest(workload.spec);
  const surroundings = new LiveSurroundings(
    draft.state,
    request,
    liveNodesOf(draft.state, workload),
  );
  const seats = yield* findSeats(draft, request, surroundings);
  for (const { node, leaving } of seats) {
    const pass = passOf(draft);
    const moves: Move[] = [];
    for (const allocation of leaving) {
      const move = draft.countTrial() ? tryMove(pass, allocation, node.id) : null;
      if (move === null) break;
      moves.push(move);
    }
    yield;
    if (moves.length === leaving.length) return moves;
  }
  return null;
}

const NODES_PER_SLICE = 100;

/** The nodes from which fewest would have to go, at most `limits.rebalanceNodesMax`. */
function* findSeats(
  draft: Draft,
  request: PlacementRequest,
  surroundings: Surroundings,
): Generator<void, Seat[]> {
  const seats: Seat[] = [];
  let looked = 0;
  for (const node of draft.state.nodes.values()) {
    looked += 1;
    if (looked % NODES_PER_SLICE === 0) yield;
    const leaving = isOpen(node) ? leavingFrom(draft, node, request, surroundings) : null;
    if (leaving !== null && leaving.length <= draft.movesLeft) seats.push({ node, leaving });
  }
  return seats
    .sort((a, b) => a.leaving.length - b.leaving.length || byCodeUnit(a.node.id, b.node.id))
    .slice(0, limits.rebalanceNodesMax);
}

/** The movable allocations that would have to go, none of them for nothing; null when that is not enough. */
function leavingFrom(
  draft: Draft,
  node: NodeRecord,
  request: PlacementRequest,
  surroundings: Surroundings,
): AllocationRecord[] | null {
  const lacks = everyLack(request, node, node.usage, surroundings);
  if (lacks.some(({ code }) => !taken.has(code))) return null;
  const usage = copyUsage(node.usage);
  const fits = () => firstLack(request, node, usage, surroundings) === null;
  let leaving: AllocationRecord[] = [];
  for (const allocation of movableOn(draft, node)) {
    if (fits()) break;
    subtractGrant(usage, allocation.granted);
    leaving.push(allocation);
  }
  if (!fits()) return null;
  for (const allocation of leaving) {
    addGrant(usage, allocation.granted);
    if (fits()) leaving = leaving.filter((other) => other !== allocation);
    else subtractGrant(usage, allocation.granted);
  }
  return leaving;
}

/**
 * Largest first, so that few have to go. Of a workload whose own rules look at where the rest of it
 * is, only one: trials do not see each other.
 */
function movableOn(draft: Draft, node: NodeRecord): AllocationRecord[] {
  const once = new Set<WorkloadId>();
  const movable = [...node.live].flatMap((id) => {
    const allocation = draft.state.allocations.get(id);
    if (!allocation || !draft.isMovable(allocation)) return [];
    const { distinct, colocate } = rulesOf(allocation.spec);
    if (distinct.length + colocate.length > 0) {
      if (once.has(allocation.workloadId)) return [];
      once.add(allocation.workloadId);
    }
    return [{ allocation, units: draft.survey.unitsOfGrant(allocation.granted, draft.prices) }];
  });
  return movable
    .sort((a, b) => b.units - a.units || a.allocation.number - b.allocation.number)
    .map(({ allocation }) => allocation);
}
