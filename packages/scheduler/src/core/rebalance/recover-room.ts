import type { NodeId, WorkloadId } from "@berth/protocol";
import { Pass } from "../evaluate/pass.ts";
import { unitsOf } from "../room/room-survey.ts";
import type { AllocationRecord, NodeRecord } from "../state/cluster-state.ts";
import { addGrant, copyUsage, subtractGrant } from "../state/node-usage.ts";
import type { Draft } from "./draft.ts";
import { type Move, tryMove } from "./try-move.ts";

/** Allocations that are tried for each move; the best of them is made. */
const LOOKS_PER_MOVE = 8;
/** Tries in a row that gain nothing, after which no more is expected. */
const MISSES_MAX = 64;
/** A move gains at least this part of what it moves: nobody is disturbed for crumbs. */
const GAIN_PART_MIN = 1 / 4;
/** Nodes looked through for candidates in one slice of the work. */
const NODES_PER_SLICE = 100;

/** One of the allocations of a workload on a node, and what its end alone would recover there. */
interface Candidate {
  readonly allocation: AllocationRecord;
  readonly released: number;
}

/**
 * Moves that recover stranded room, each the best of those tried, until nothing tried is worth it:
 * greedy, and every move makes the sum over all nodes strictly smaller, so that it ends and nothing
 * is moved to and fro. Where an allocation goes is what placement says of it without its old node.
 */
export function* recoverRoom(draft: Draft): Generator<void, void> {
  const candidates = yield* collectCandidates(draft);
  while (draft.movesLeft > 0) {
    const best = yield* bestMove(draft, candidates);
    if (best === null) return;
    const { allocation, placed } = best;
    const nodes = [allocation.nodeId, placed.nodeId];
    draft.take(best);
    for (const id of nodes) {
      const node = draft.state.nodes.get(id);
      if (node) candidates.set(id, candidatesOn(draft, node));
    }
  }
}

function* collectCandidates(draft: Draft): Generator<void, Map<NodeId, Candidate[]>> {
  const candidates = new Map<NodeId, Candidate[]>();
  for (const node of draft.state.nodes.values()) {
    candidates.set(node.id, candidatesOn(draft, node));
    if (candidates.size % NODES_PER_SLICE === 0) yield;
  }
  return candidates;
}

/** One of each workload: its others there are like it. */
function candidatesOn(draft: Draft, node: NodeRecord): Candidate[] {
  const found = new Map<WorkloadId, Candidate>();
  const before = unitsOn(draft, node);
  for (const id of node.live) {
    const allocation = draft.state.allocations.get(id);
    if (!allocation || found.has(allocation.workloadId) || !draft.isMovable(allocation)) continue;
    const usage = copyUsage(node.usage);
    subtractGrant(usage, allocation.granted);
    const released = before - unitsOf(draft.survey.look(node, usage).leftOver, draft.prices);
    found.set(allocation.workloadId, { allocation, released });
  }
  return [...found.values()];
}

/** Tries the candidates whose end recovers most; what is not worth moving is not tried again. */
function* bestMove(
  draft: Draft,
  candidates: Map<NodeId, Candidate[]>,
): Generator<void, Move | null> {
  let best: { move: Move; gain: number } | null = null;
  const looked = new Set<Candidate>();
  for (let looks = 0; looks < (best === null ? MISSES_MAX : LOOKS_PER_MOVE); looks += 1) {
    const candidate = mostReleasing(candidates, looked);
    if (candidate === null || !draft.countTrial()) break;
    looked.add(candidate);
    const { allocation } = candidate;
    const pass = new Pass(draft.state, draft.scratch.nowUnixMs, Number.POSITIVE_INFINITY);
    const move = tryMove(pass, allocation, allocation.nodeId);
    const gain = move === null ? 0 : gainOf(draft, move);
    if (move === null || gain <= worthOf(draft, move)) forget(candidates, candidate);
    else if (best === null || gain > best.gain) best = { move, gain };
    yield;
  }
  return best?.move ?? null;
}

function mostReleasing(
  candidates: ReadonlyMap<NodeId, readonly Candidate[]>,
  looked: ReadonlySet<Candidate>,
): Candidate | null {
  let most: Candidate | null = null;
  for (const list of candidates.values()) {
    for (const candidate of list) {
      if (most !== null && !precedes(candidate, most)) continue;
      if (!looked.has(candidate)) most = candidate;
    }
  }
  return most;
}

function precedes(a: Candidate, b: Candidate): boolean {
  if (a.released !== b.released) return a.released > b.released;
  return a.allocation.number < b.allocation.number;
}

function forget(candidates: Map<NodeId, Candidate[]>, candidate: Candidate): void {
  const { nodeId } = candidate.allocation;
  const rest = (candidates.get(nodeId) ?? []).filter((other) => other !== candidate);
  candidates.set(nodeId, rest);
}

/** How much less is stranded on the two nodes together. */
function gainOf(draft: Draft, { allocation, placed }: Move): number {
  const { nodes } = draft.state;
  const source = nodes.get(allocation.nodeId);
  const target = nodes.get(placed.nodeId);
  if (!source || !target) return 0;
  const without = copyUsage(source.usage);
  subtractGrant(without, allocation.granted);
  const having = copyUsage(target.usage);
  addGrant(having, placed.granted);
  const { survey, prices } = draft;
  const after =
    unitsOf(survey.look(source, without).leftOver, prices) +
    unitsOf(survey.look(target, having).leftOver, prices);
  return unitsOn(draft, source) + unitsOn(draft, target) - after;
}

/** What a move has to gain to be worth making. */
function worthOf(draft: Draft, { placed }: Move): number {
  return Math.floor(draft.survey.unitsOfGrant(placed.granted, draft.prices) * GAIN_PART_MIN);
}

function unitsOn({ survey, prices }: Draft, { id }: NodeRecord): number {
  return unitsOf(survey.roomOf(id)?.leftOver ?? [], prices);
}
