import { limits, type NoFit, type PendingGroup } from "@berth/protocol";
import { Pass } from "../evaluate/pass.ts";
import { placeIndexes } from "../evaluate/place-indexes.ts";
import { placementRequest } from "../place/placement-request.ts";
import { liveNodesOf, LiveSurroundings } from "../place/surroundings.ts";
import { byCodeUnit } from "../state/canonical-text.ts";
import { isOpen, type WorkloadRecord } from "../state/cluster-state.ts";
import { eachIndex, rangesOf } from "../state/index-ranges.ts";
import { groupOf } from "../state/pending-groups.ts";
import type { Draft } from "./draft.ts";
import { leavingFor, movableOn, type Seat, trySeat } from "./seats.ts";
import { tryPlace } from "./try-move.ts";

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

/** Indexes that moves may help, ascending. */
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
  for (const seat of yield* findSeats(draft, workload)) {
    const tried = trySeat(draft, seat);
    yield;
    if (tried === null) continue;
    for (const move of tried.moves) draft.take(move);
    const placed = tryPlace(passOf(draft), workload, index);
    if (placed === null) return false;
    draft.place(placed);
    return true;
  }
  return false;
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

/** Nodes looked through for seats in one part of the work. */
const NODES_PER_PART = 100;

/** The nodes from which fewest would have to go, at most `limits.rebalanceNodesMax`. */
function* findSeats(draft: Draft, workload: WorkloadRecord): Generator<void, Seat[]> {
  const { state } = draft;
  const request = placementRequest(workload.spec);
  const surroundings = new LiveSurroundings(state, request, liveNodesOf(state, workload));
  const seats: Seat[] = [];
  let looked = 0;
  for (const node of state.nodes.values()) {
    looked += 1;
    if (looked % NODES_PER_PART === 0) yield;
    if (!isOpen(node)) continue;
    const movable = movableOn(draft, node);
    const leaving = leavingFor(request, node, movable, node.usage, surroundings);
    if (leaving !== null && leaving.length <= draft.movesLeft) seats.push({ node, leaving });
  }
  return seats
    .sort((a, b) => a.leaving.length - b.leaving.length || byCodeUnit(a.node.id, b.node.id))
    .slice(0, limits.rebalanceNodesMax);
}
