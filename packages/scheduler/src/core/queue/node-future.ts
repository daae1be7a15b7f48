import type { Grant } from "@berth/protocol";
import { everyLack, firstLack } from "../place/check-node.ts";
import { grantOn } from "../place/grant.ts";
import type { NodeUsage } from "../place/ledger.ts";
import type { PlacementRequest } from "../place/placement-request.ts";
import type { ClusterState, NodeRecord } from "../state/cluster-state.ts";
import { isTransient } from "../state/hopeful.ts";
import { addGrant, copyUsage, subtractGrant, type UsageAccount } from "../state/node-usage.ts";
import { missingPermille } from "../explain/no-fit.ts";
import { type AllocationEnd, endOf } from "./allocation-end.ts";
import type { FitStep } from "./earliest-start.ts";

/** What a node holds and when it will be free again, as far as anybody knows. */
export interface NodeFuture {
  readonly usage: NodeUsage;
  /** What has ended at the latest by then, in that order. */
  readonly ends: readonly { readonly atUnixMs: number; readonly granted: Grant }[];
  /** What ends some day. */
  readonly someday: readonly Grant[];
}

/** An allocation that a pass has decided on and the state does not have yet. */
export interface Decided {
  readonly granted: Grant;
  readonly end: AllocationEnd;
}

/** `usage` and `decided` are those of the pass; its own placements are not in the state yet. */
export function futureOf(
  state: ClusterState,
  node: NodeRecord,
  usage: NodeUsage,
  decided: readonly Decided[],
): NodeFuture {
  const known = endingOn(state, node);
  if (decided.length === 0) return { usage, ...known };
  const all = [...decided, ...known.ends.map(({ atUnixMs: end, granted }) => ({ end, granted }))];
  const someday = decided.filter(({ end }) => end === "someday").map(({ granted }) => granted);
  return { usage, ends: inOrder(all), someday: [...known.someday, ...someday] };
}

function endingOn(state: ClusterState, node: NodeRecord): Omit<NodeFuture, "usage"> {
  const all: Decided[] = [];
  for (const id of node.live) {
    const allocation = state.allocations.get(id);
    if (allocation) all.push({ granted: allocation.granted, end: endOf(state, allocation) });
  }
  const someday = all.filter(({ end }) => end === "someday").map(({ granted }) => granted);
  return { ends: inOrder(all), someday };
}

function inOrder(all: readonly Decided[]): NodeFuture["ends"] {
  return all
    .flatMap(({ end, granted }) => (typeof end === "number" ? [{ atUnixMs: end, granted }] : []))
    .sort((a, b) => a.atUnixMs - b.atUnixMs);
}

/** What a request may expect of a node. */
export interface Prospect {
  /** From when on how many of it fit. */
  readonly steps: readonly FitStep[];
  /** How many fit once everything has ended that ever does by itself. */
  readonly someday: number;
  /** How far it is from fitting now, over all dimensions, in thousandths of what it asks for. */
  readonly missingPermille: number;
}

const HOPELESS: Prospect = { steps: [], someday: 0, missingPermille: 0 };

/** Counts up to `countMax`. */
export function prospectOf(
  request: PlacementRequest,
  node: NodeRecord,
  { usage, ends, someday }: NodeFuture,
  countMax: number,
): Prospect {
  const lack = firstLack(request, node, usage);
  if (lack !== null && !isTransient(lack.code)) return HOPELESS;
  const account = copyUsage(usage);
  const steps: FitStep[] = [];
  let count = countFits(request, node, account, countMax);
  if (count > 0) steps.push({ atUnixMs: Number.NEGATIVE_INFINITY, count });
  for (const [at, { atUnixMs, granted }] of ends.entries()) {
    if (count >= countMax) break;
    subtractGrant(account, granted);
    if (ends[at + 1]?.atUnixMs === atUnixMs) continue;
    const now = countFits(request, node, account, countMax);
    if (now > count) steps.push({ atUnixMs, count: now });
    count = Math.max(count, now);
  }
  for (const granted of count < countMax ? someday : []) subtractGrant(account, granted);
  const last = Math.max(count, countFits(request, node, account, countMax));
  const missing = lack === null ? 0 : missingPermille(everyLack(request, node, usage));
  return { steps, someday: last, missingPermille: missing };
}

/** The node as it will be at a moment, if nothing else comes. */
export function accountAt({ usage, ends }: NodeFuture, atUnixMs: number): UsageAccount {
  const account = copyUsage(usage);
  for (const { atUnixMs: endUnixMs, granted } of ends) {
    if (endUnixMs <= atUnixMs) subtractGrant(account, granted);
  }
  return account;
}

/** How many of a request a node can take at once, up to a bound. The account stays as it is. */
export function countFits(
  request: PlacementRequest,
  node: NodeRecord,
  account: UsageAccount,
  countMax: number,
): number {
  if (countMax === 1) return firstLack(request, node, account) === null ? 1 : 0;
  const grants = grantsOn(request, node, account, countMax);
  for (const granted of grants) subtractGrant(account, granted);
  return grants.length;
}

/** Takes as many of a request as fit, up to a bound, and says what each was granted. */
export function grantsOn(
  request: PlacementRequest,
  node: NodeRecord,
  account: UsageAccount,
  countMax: number,
): Grant[] {
  const grants: Grant[] = [];
  while (grants.length < countMax && firstLack(request, node, account) === null) {
    const granted = grantOn(request, node, account, grants.length);
    addGrant(account, granted);
    grants.push(granted);
  }
  return grants;
}
