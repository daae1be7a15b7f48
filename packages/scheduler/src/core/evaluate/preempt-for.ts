import type { PendingExplanation } from "@berth/protocol";
import { nodeAttribute } from "../place/node-attribute.ts";
import { placementRequest } from "../place/placement-request.ts";
import { addCosts, compareCosts, type EvictionCost, NO_COST } from "../preempt/eviction-cost.ts";
import { preemptLimits } from "../preempt/limits.ts";
import { type PromisedPart, partsOn } from "../preempt/promises.ts";
import { type Seat, SeatSearch } from "../preempt/seat-search.ts";
import { type Scene, Victims } from "../preempt/victims.ts";
import { byCodeUnit } from "../state/canonical-text.ts";
import type { NodeRecord, WorkloadRecord } from "../state/cluster-state.ts";
import { gangOf } from "../state/gang.ts";
import { eachIndex } from "../state/index-ranges.ts";
import { requestKey } from "./blocked-requests.ts";
import type { Pass } from "./pass.ts";
import { surroundingsOf } from "./place-indexes.ts";

export type Preempting = Extract<PendingExplanation, { reason: "preempting" }>;

/** Indexes that wait for others to end, who were asked to. */
export interface Awaiting {
  readonly indexes: readonly number[];
  /** Null when there are none. */
  readonly explanation: Preempting | null;
  /** The pass took no more. */
  readonly isCut: boolean;
}

/** At the beginning of a pass: room for which others were asked to stop is kept from everyone. */
export function renewPromises(pass: Pass): void {
  const { agenda, workloads } = pass.state;
  const waiting = [...agenda.promised]
    .flatMap((id) => workloads.get(id) ?? [])
    .sort((a, b) => b.spec.priority - a.spec.priority || a.number - b.number);
  for (const workload of waiting) {
    for (const group of groupsOf(pass, workload, promisedIndexes(workload))) {
      pass.promises.keep(workload, partsAgain(pass, workload, group));
    }
  }
}

/**
 * What fits nowhere may take the room of less important work: whoever costs least is asked to stop,
 * and the room is kept until they have ended. As long as those who were asked before make enough room,
 * nobody else is.
 */
export function preemptFor(
  pass: Pass,
  workload: WorkloadRecord,
  indexes: readonly number[],
): Awaiting {
  const promised = new Set(promisedIndexes(workload));
  const awaiting: number[] = [];
  const nodes = new Set<NodeRecord>();
  for (const group of indexes.length === 0 ? [] : groupsOf(pass, workload, indexes)) {
    const before = group.indexes.filter((index) => promised.has(index)).length;
    const again = before > 0 ? awaitedAgain(pass, workload, group) : [];
    pass.promises.keep(workload, again);
    const wanted = seatsWanted(pass, workload, group, before, countOf(again));
    const seats = wanted > 0 ? findSeats(pass, workload, group, wanted) : [];
    if (!stopAll(pass, workload, seats)) return { indexes: [], explanation: null, isCut: true };
    pass.promises.keep(workload, seats.map(partOf));
    for (const { node } of [...again, ...seats]) nodes.add(node);
    awaiting.push(...group.indexes.slice(0, countOf(again) + seats.length));
  }
  const explanation = awaiting.length === 0 ? null : explain(pass, workload, nodes);
  return { indexes: awaiting, explanation, isCut: false };
}

/** Of a group of which so many were promised room, and have it still: for how many to look. */
function seatsWanted(
  { mayPreempt }: Pass,
  { spec }: WorkloadRecord,
  { indexes }: Group,
  before: number,
  again: number,
): number {
  const missing = indexes.length - again;
  if (gangOf(spec)) return mayPreempt || before > 0 ? missing : 0;
  return Math.min(mayPreempt ? missing : before - again, preemptLimits.seatsMax - again);
}

/** Whether others might be asked to stop for it, by what the pass has found so far. */
export function mayPreempt(pass: Pass, workload: WorkloadRecord): boolean {
  if (!pass.mayPreempt) return false;
  return !pass.noSeats.has(classOf(pass, workload, { indexes: [], nodes: [] }));
}

/** Indexes that may go on the same nodes. */
interface Group {
  readonly indexes: readonly number[];
  readonly nodes: readonly NodeRecord[];
}

function groupsOf(pass: Pass, workload: WorkloadRecord, indexes: readonly number[]): Group[] {
  const nodes = [...pass.state.nodes.values()];
  if (workload.spec.kind !== "system") {
    const reserved = reservedFrom(pass, workload);
    return [{ indexes, nodes: nodes.filter((node) => !reserved.has(node)) }];
  }
  const byNumber = new Map(nodes.map((node) => [node.number, node]));
  return indexes.flatMap((index) => {
    const node = byNumber.get(index);
    return node ? [{ indexes: [index], nodes: [node] }] : [];
  });
}

/** Nodes on which what becomes free is kept for a reservation of others: stopping somebody is no use. */
function reservedFrom({ holds }: Pass, workload: WorkloadRecord): Set<NodeRecord> {
  const reserving = holds.against(workload).filter(({ holder }) => holder.kind === "reservation");
  return new Set(reserving.flatMap(({ parts }) => parts.map(({ node }) => node)));
}

function promisedIndexes({ pending }: WorkloadRecord): number[] {
  return pending.flatMap(({ explanation, indexes }) =>
    explanation.reason === "preempting" ? [...eachIndex(indexes)] : [],
  );
}

/** Room where it was promised before. */
function partsAgain(pass: Pass, workload: WorkloadRecord, group: Group): PromisedPart[] {
  const names = new Set(
    workload.pending.flatMap(({ explanation }) =>
      explanation.reason === "preempting" ? explanation.nodeNames : [],
    ),
  );
  const request = placementRequest(workload.spec);
  const { indexes } = group;
  return pass.holds.around(workload, () =>
    partsOn(
      request,
      group.nodes.filter(({ description }) => names.has(description.name)),
      indexes.length,
      (node) => pass.promises.usageThen(node, workload),
      surroundingsThen(pass, workload, indexes),
    ),
  );
}

/** The same if it is of use, and somebody still has to end there. */
function awaitedAgain(pass: Pass, workload: WorkloadRecord, group: Group): PromisedPart[] {
  const again = partsAgain(pass, workload, group);
  const isEnough = gangOf(workload.spec) === null || countOf(again) === group.indexes.length;
  const isAwaited = again.some(({ node }) => countEnding(pass, node) > 0);
  return isEnough && isAwaited ? again : [];
}

/** None unless somebody has to be asked to stop. */
function findSeats(
  pass: Pass,
  workload: WorkloadRecord,
  group: Group,
  wanted: number,
): readonly Seat[] {
  const key = classOf(pass, workload, group);
  if (pass.noSeats.has(key)) return [];
  const seats = pass.holds.around(workload, () =>
    gangOf(workload.spec)
      ? gangSeats(pass, workload, group)
      : search(pass, workload, group, wanted).seats,
  );
  if (seats.some(({ units }) => units.length > 0)) return seats;
  pass.noSeats.add(key);
  return [];
}

/** Equal for those that may have the room of the same others. */
function classOf(pass: Pass, workload: WorkloadRecord, { nodes }: Group): string {
  const { spec } = workload;
  const key = requestKey(workload, placementRequest(spec), pass.holds.against(workload));
  const own = spec.kind === "system" ? nodes.map(({ id }) => id) : [];
  const { preempts = true } = spec.placement ?? {};
  return `${spec.priority} ${preempts} ${spec.project} ${own.join()} ${key}`;
}

interface Seats {
  readonly seats: readonly Seat[];
  readonly cost: EvictionCost;
}

function search(
  pass: Pass,
  workload: WorkloadRecord,
  { nodes, indexes }: Group,
  wanted: number,
): Seats {
  const { state, nowUnixMs } = pass;
  const scene: Scene = {
    state,
    nowUnixMs,
    isStopping: pass.isStopping.bind(pass),
    placedNow: (id) =>
      pass.events.filter((event) => event.type === "AllocationPlaced" && event.workloadId === id)
        .length,
  };
  const victims = new Victims(scene, workload.spec, pass.reclaimFor(workload));
  const seats: Seat[] = [];
  if (!victims.exist) return { seats, cost: NO_COST };
  pass.countLooks(LOOKS_PER_NODE * nodes.length);
  const request = placementRequest(workload.spec);
  const found = new SeatSearch({
    request,
    nodes,
    victims,
    usageThen: (node) => pass.promises.usageThen(node, workload),
    surroundings: surroundingsThen(pass, workload, indexes),
  });
  while (seats.length < wanted) {
    const seat = found.next(pass.nextAllocationNumber + seats.length);
    if (seat === null) break;
    seats.push(seat);
  }
  return { seats, cost: seats.reduce((sum, seat) => addCosts(sum, seat.cost), NO_COST) };
}

/** As if the workload were where it was promised room already. */
function surroundingsThen(pass: Pass, workload: WorkloadRecord, indexes: readonly number[]) {
  const request = placementRequest(workload.spec);
  const surroundings = surroundingsOf(pass, workload, request, indexes);
  for (const { node, grants } of pass.promises.of(workload)) {
    for (const _ of grants) surroundings?.add(node);
  }
  return surroundings;
}

/** A search looks at what lives on each node. */
const LOOKS_PER_NODE = 8;

/** Room for all of it where that costs least, or none. */
function gangSeats(pass: Pass, workload: WorkloadRecord, group: Group): readonly Seat[] {
  const within = gangOf(workload.spec)?.within ?? null;
  let best: Seats | null = null;
  for (const nodes of within === null ? [group.nodes] : domainsOf(group.nodes, within)) {
    const found = search(pass, workload, { ...group, nodes }, group.indexes.length);
    if (found.seats.length < group.indexes.length) continue;
    if (best === null || compareCosts(found.cost, best.cost) < 0) best = found;
  }
  return best?.seats ?? [];
}

/** Nodes that share the value of an attribute, in order of the value. */
function domainsOf(nodes: readonly NodeRecord[], within: string): NodeRecord[][] {
  const domains = new Map<string, NodeRecord[]>();
  for (const node of nodes) {
    const value = nodeAttribute(node.description, within);
    if (value === undefined) continue;
    const domain = domains.get(String(value));
    if (domain) domain.push(node);
    else domains.set(String(value), [node]);
  }
  return [...domains].sort(([a], [b]) => byCodeUnit(a, b)).map(([, domain]) => domain);
}

/** False when the pass is full. */
function stopAll(pass: Pass, { id }: WorkloadRecord, seats: readonly Seat[]): boolean {
  return seats.every(({ units }) =>
    units.every(({ victims, isReclaimed }) =>
      victims.every((victim) =>
        pass.requestStop(victim.id, isReclaimed ? "reclaimed" : "preempted", id),
      ),
    ),
  );
}

function explain(pass: Pass, workload: WorkloadRecord, nodes: ReadonlySet<NodeRecord>): Preempting {
  const ending = [...nodes].reduce((sum, node) => sum + countEnding(pass, node), 0);
  const victims = pass.yieldingTo(workload);
  return {
    reason: "preempting",
    victims: victims > 0 ? victims : Math.max(1, ending),
    nodeNames: [...new Set([...nodes].map(({ description }) => description.name))].sort(byCodeUnit),
  };
}

function countEnding(pass: Pass, node: NodeRecord): number {
  return [...pass.endingOn(node)].length;
}

function countOf(parts: readonly PromisedPart[]): number {
  return parts.reduce((sum, { grants }) => sum + grants.length, 0);
}

function partOf({ node, granted }: Seat): PromisedPart {
  return { node, grants: [granted] };
}
