import type { NodeId } from "@berth/protocol";
import { grantOn } from "../place/grant.ts";
import type { NodeRecord } from "../state/cluster-state.ts";
import { addGrant, copyUsage, type NodeUsage, subtractGrant } from "../state/node-usage.ts";
import type { Draft } from "./draft.ts";
import { leavingFor, movableOn, type Seat, type TriedSeat, trySeat } from "./seats.ts";
import type { Move } from "./try-move.ts";

/** Seats that are tried for each step; the best of them is made. */
const LOOKS_PER_STEP = 8;
/** Tries in a row that gain nothing, after which no more is expected. */
const MISSES_MAX = 64;
/** A step gains at least this part of what it moves: nobody is disturbed for crumbs. */
const GAIN_PART_MIN = 1 / 4;
/** One more of a request is no gain worth a move where so many of it fit already. */
const FITS_MAX = 8;
/** Nodes looked through for seats in one part of the work. */
const NODES_PER_PART = 50;

/** A seat, and how much less would be stranded on its node alone, for each that leaves. */
interface RatedSeat extends Seat {
  readonly rate: number;
}

type Seats = Map<NodeId, RatedSeat[]>;

/**
 * Moves that recover stranded room. What strands room is that pieces are too small, so a step empties
 * a node as far as one more of a common request needs it, and placement says where what leaves goes.
 * The best of the steps tried is made, until none is worth it: greedy, and every step makes the sum
 * over all nodes strictly smaller, so that it ends and nothing goes to and fro.
 */
export function* recoverRoom(draft: Draft): Generator<void, void> {
  const seats: Seats = new Map();
  for (const node of draft.state.nodes.values()) {
    seats.set(node.id, seatsOn(draft, node));
    if (seats.size % NODES_PER_PART === 0) yield;
  }
  for (;;) {
    const moves = yield* bestStep(draft, seats);
    if (moves === null) return;
    const nodes = moves.flatMap(({ allocation, placed }) => [allocation.nodeId, placed.nodeId]);
    for (const move of moves) draft.take(move);
    for (const id of new Set(nodes)) {
      const node = draft.state.nodes.get(id);
      if (node) seats.set(id, seatsOn(draft, node));
    }
  }
}

/** For each common request that something has to go for, the seat for one more of it. */
function seatsOn(draft: Draft, node: NodeRecord): RatedSeat[] {
  const room = draft.survey.roomOf(node.id);
  const movable = movableOn(draft, node);
  if (!room || movable.length === 0) return [];
  const seats: RatedSeat[] = [];
  for (const [at, { request }] of draft.survey.classes.entries()) {
    const fits = room.fits[at] ?? 0;
    if (fits >= FITS_MAX) continue;
    const filled = copyUsage(node.usage);
    for (let times = 0; times < fits; times += 1) {
      addGrant(filled, grantOn(request, node, filled, 1));
    }
    const leaving = leavingFor(request, node, movable, filled);
    if (leaving === null || leaving.length === 0) continue;
    const without = withoutGrants({ node, leaving });
    const released = draft.unitsOn(node) - draft.unitsIf(node, without);
    if (released > 0) seats.push({ node, leaving, rate: released / leaving.length });
  }
  return seats;
}

/** Tries the seats that promise most; what is not worth it is not tried again. */
function* bestStep(draft: Draft, seats: Seats): Generator<void, Move[] | null> {
  let best: { moves: Move[]; gain: number } | null = null;
  const looked = new Set<RatedSeat>();
  for (let looks = 0; looks < (best === null ? MISSES_MAX : LOOKS_PER_STEP); looks += 1) {
    const seat = mostPromising(seats, looked, draft.movesLeft);
    if (seat === null || !draft.hasTrials) break;
    looked.add(seat);
    const tried = trySeat(draft, seat);
    const gain = tried === null ? 0 : gainOf(draft, seat, tried);
    if (tried === null || gain <= worthOf(draft, seat)) forget(seats, seat);
    else if (best === null || gain > best.gain) best = { moves: tried.moves, gain };
    yield;
  }
  return best?.moves ?? null;
}

function mostPromising(
  seats: ReadonlyMap<NodeId, readonly RatedSeat[]>,
  looked: ReadonlySet<RatedSeat>,
  movesLeft: number,
): RatedSeat | null {
  let most: RatedSeat | null = null;
  for (const list of seats.values()) {
    for (const seat of list) {
      if (most !== null && seat.rate <= most.rate) continue; // nodes come in a fixed order
      if (seat.leaving.length <= movesLeft && !looked.has(seat)) most = seat;
    }
  }
  return most;
}

function forget(seats: Seats, seat: RatedSeat): void {
  const { id } = seat.node;
  seats.set(
    id,
    (seats.get(id) ?? []).filter((other) => other !== seat),
  );
}

/** How much less is stranded on all nodes that the step touches. */
function gainOf(draft: Draft, seat: Seat, { moves, pass }: TriedSeat): number {
  let gain = draft.unitsOn(seat.node) - draft.unitsIf(seat.node, withoutGrants(seat));
  for (const id of new Set(moves.map(({ placed }) => placed.nodeId))) {
    const node = draft.state.nodes.get(id);
    if (node) gain += draft.unitsOn(node) - draft.unitsIf(node, pass.ledger.usageOf(node));
  }
  return gain;
}

function withoutGrants({ node, leaving }: Seat): NodeUsage {
  const usage = copyUsage(node.usage);
  for (const { granted } of leaving) subtractGrant(usage, granted);
  return usage;
}

/** What a step has to gain to be worth making. */
function worthOf(draft: Draft, { leaving }: Seat): number {
  const moved = leaving.reduce((sum, { granted }) => sum + draft.unitsOf(granted), 0);
  return Math.floor(moved * GAIN_PART_MIN);
}
