import type { NoFit, PendingExplanation } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { explainNoFit } from "../explain/no-fit.ts";
import type { Waiting } from "../explain/group-pending.ts";
import { firstLack, type Lack } from "../place/check-node.ts";
import { placementRequest } from "../place/placement-request.ts";
import { NO_SURROUNDINGS } from "../place/surroundings.ts";
import type { Hold } from "../queue/holds.ts";
import { quotaLack, quotaRoom } from "../queue/quota.ts";
import type { NodeRecord, WorkloadRecord } from "../state/cluster-state.ts";
import { quotaUseOf } from "../state/quota-use.ts";
import { gangOf, startsTogether } from "../state/gang.ts";
import { type Obstacle, requestKey } from "./blocked-requests.ts";
import { explainBehind } from "./explain-behind.ts";
import type { Pass } from "./pass.ts";
import { type GangLack, placeGang } from "./place-gang.ts";
import { noFitOnOwnNodes, surroundingsOf } from "./place-indexes.ts";
import { placeMovedFirst } from "./place-moved.ts";
import { mayPreempt, preemptFor } from "./preempt-for.ts";

/** What became of indexes that need a place. */
export interface Admitted {
  readonly placed: readonly number[];
  readonly waiting: readonly Waiting[];
  /** The pass took no more: what is in neither list was not looked at. */
  readonly isCut: boolean;
}

const NOTHING: Admitted = { placed: [], waiting: [], isCut: false };

/**
 * Places indexes as far as the limits of the workload's project allow, and without what is kept for
 * work that is ahead. A gang is placed as a whole or not at all.
 */
export function admitIndexes(
  pass: Pass,
  workload: WorkloadRecord,
  indexes: readonly number[],
): Admitted {
  if (indexes.length === 0) return NOTHING;
  const { spec } = workload;
  const project = pass.projects.node(spec.project);
  const use = quotaUseOf(spec);
  const together = gangOf(spec) ? indexes.length : 1;
  const room = quotaRoom(project, use);
  const allowed = room >= together ? indexes.slice(0, room) : [];
  const { placed, unplaced, blocked, isCut } = placeAllowed(pass, workload, allowed);
  if (isCut) return { placed, waiting: [], isCut };
  const awaiting = preemptFor(pass, workload, unplaced);
  if (awaiting.isCut) return { placed, waiting: [], isCut: true };
  const rest = without(unplaced, awaiting.indexes);
  const lacking =
    rest.length < unplaced.length ? blockedRest(pass, workload, blocked, rest) : blocked;
  const why = lacking && rest.length > 0 ? whyBlocked(pass, workload, lacking, rest.length) : null;
  const lack = quotaLack(project, use, together);
  const overLimit: PendingExplanation | null = lack && { reason: "quota", ...lack };
  const refused = overLimit ?? why;
  assert(refused || allowed.length === indexes.length, `${workload.id} is refused for nothing`);
  return {
    placed,
    waiting: [
      ...explained(awaiting.indexes, awaiting.explanation),
      ...explained(rest, why),
      ...explained(indexes.slice(allowed.length), refused),
    ],
    isCut: false,
  };
}

function without(indexes: readonly number[], others: readonly number[]): readonly number[] {
  if (others.length === 0) return indexes;
  const left = new Set(others);
  return indexes.filter((index) => !left.has(index));
}

/** What is in the way of the rest: each index of a system workload has a node of its own. */
function blockedRest(
  pass: Pass,
  workload: WorkloadRecord,
  blocked: Obstacle | null,
  rest: readonly number[],
): Obstacle | null {
  const isOfNodes = workload.spec.kind === "system" && rest.length > 0;
  if (!isOfNodes) return blocked;
  return pass.holds.around(workload, () => noFitOnOwnNodes(pass, workload, rest));
}

function explained(indexes: readonly number[], explanation: PendingExplanation | null): Waiting[] {
  return explanation === null ? [] : indexes.map((index) => ({ index, explanation }));
}

/**
 * Whether somebody who asks for the same was found to have no place in this pass. Those who are told
 * when they start are reconsidered nevertheless.
 */
export function isKnownBlocked(pass: Pass, workload: WorkloadRecord): boolean {
  const request = placementRequest(workload.spec);
  const key = requestKey(workload, request, pass.holds.against(workload));
  const blocked = pass.blocked.find(key);
  if (blocked === null || workload.spec.kind === "system") return false;
  if (mayPreempt(pass, workload)) return false;
  if ("holder" in blocked) return true;
  return pass.heads.consider(workload, startsTogether(workload), noFitOf(blocked)) === null;
}

interface Found {
  readonly placed: readonly number[];
  readonly unplaced: readonly number[];
  /** Null when none is unplaced. */
  readonly blocked: Obstacle | null;
  readonly isCut: boolean;
}

function placeAllowed(pass: Pass, workload: WorkloadRecord, indexes: readonly number[]): Found {
  const against = pass.holds.against(workload);
  const request = placementRequest(workload.spec);
  const isOwnNode = workload.spec.kind === "system";
  const key = requestKey(workload, request, against);
  if (indexes.length === 0) return { placed: [], unplaced: [], blocked: null, isCut: false };
  const known = isOwnNode ? null : pass.blocked.find(key);
  if (known) return { placed: [], unplaced: indexes, blocked: known, isCut: false };
  const firstEvent = pass.events.length;
  const { placed, unplaced, lack, isCut } = pass.holds.around(workload, () =>
    place(pass, workload, indexes),
  );
  for (const event of pass.events.slice(firstEvent)) {
    if (event.type !== "AllocationPlaced") continue;
    const node = pass.state.nodes.get(event.nodeId);
    assert(node, `no node ${event.nodeId}`);
    pass.charge(workload, node, event.granted);
  }
  if (isCut || lack === null) return { placed, unplaced, blocked: null, isCut };
  const blocked =
    against.length === 0 || isOwnNode
      ? lack
      : lack.reason === "gang"
        ? gangBlockedBy(pass, workload, indexes, { against, lack })
        : blockedBy(pass, workload, indexes, against, lack);
  if (!isOwnNode) pass.blocked.add(key, blocked);
  return { placed, unplaced, blocked, isCut };
}

function place(pass: Pass, workload: WorkloadRecord, indexes: readonly number[]) {
  if (gangOf(workload.spec)) {
    const { placed, lack } = placeGang(pass, workload, indexes);
    return { placed, unplaced: lack === null ? [] : indexes, lack, isCut: false };
  }
  const { placed, unplaced, noFit, isCut } = placeMovedFirst(pass, workload, indexes);
  return { placed, unplaced, lack: noFit, isCut };
}

/** Whoever keeps the room is told of where a gang would fit without them. */
function gangBlockedBy(
  pass: Pass,
  workload: WorkloadRecord,
  indexes: readonly number[],
  { against, lack }: { readonly against: readonly Hold[]; readonly lack: GangLack },
): GangLack | Hold {
  const ahead = against.find(({ holder }) => holder.kind === "workload");
  if (!ahead) return lack;
  let fits = false;
  pass.holds.lifted(() =>
    pass.asWhole(
      () => {
        fits = placeGang(pass, workload, indexes).lack === null;
      },
      () => false,
    ),
  );
  return fits ? ahead : lack;
}

/**
 * Why it has no place although nothing may be kept from it: who keeps the room, or nobody. What would
 * fit if it asked for less is as it was found, around what is kept.
 */
function blockedBy(
  pass: Pass,
  workload: WorkloadRecord,
  indexes: readonly number[],
  against: readonly Hold[],
  { smaller }: NoFit,
): NoFit | Hold {
  const request = placementRequest(workload.spec);
  const surroundings = surroundingsOf(pass, workload, request, indexes) ?? NO_SURROUNDINGS;
  const fits = (node: NodeRecord) =>
    firstLack(request, node, pass.ledger.usageOf(node), surroundings) === null;
  return pass.holds.lifted(() => {
    const reserved = new Map<NodeRecord, string>();
    for (const hold of against) {
      for (const { node } of hold.parts) {
        if (!fits(node)) continue;
        if (hold.holder.kind === "workload") return hold;
        reserved.set(node, `project ${hold.holder.project}`);
      }
    }
    const nodes = [...pass.state.nodes.values()];
    pass.countLooks(nodes.length);
    const keptFor = (node: NodeRecord): Lack | null => {
      const subject = reserved.get(node);
      return subject === undefined
        ? null
        : { code: "reserved", subject, requested: null, available: null };
    };
    const noFit = explainNoFit(request, nodes, pass.ledger, surroundings, keptFor);
    const { smaller: _lifted, ...lifted } = noFit;
    return smaller === undefined ? lifted : { ...lifted, smaller };
  });
}

/** The first of those that wait for room are told when they start. */
function whyBlocked(
  pass: Pass,
  workload: WorkloadRecord,
  blocked: Obstacle,
  indexes: number,
): PendingExplanation {
  if ("holder" in blocked) return explainBehind(blocked, workload.spec, pass.nowUnixMs);
  const wanted = gangOf(workload.spec) ? indexes : 1;
  const noFit = noFitOf(blocked);
  const estimate = pass.heads.consider(workload, wanted, noFit);
  if (estimate === null || noFit === null) return blocked;
  const estimated = { ...noFit, estimatedStartUnixMs: estimate.startUnixMs };
  return blocked.reason === "gang" ? { ...blocked, noFit: estimated } : estimated;
}

function noFitOf(blocked: NoFit | GangLack): NoFit | null {
  return blocked.reason === "gang" ? blocked.noFit : blocked;
}
