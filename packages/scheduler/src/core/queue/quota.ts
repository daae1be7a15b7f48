import { type ProjectName, type QuotaDimension, quotaDimensions } from "@berth/protocol";
import { type ProjectNode, withAncestors } from "./project-tree.ts";
import type { QuotaUse } from "../state/quota-use.ts";

/** The limit that a request would exceed: the project's own, or that of one above it. */
export interface QuotaLack {
  readonly project: ProjectName;
  readonly dimension: QuotaDimension;
  readonly limit: number;
  /** By the project and all its subprojects. */
  readonly used: number;
  readonly requested: number;
}

/** The first limit that `times` such requests together would exceed; null when none. */
export function quotaLack(project: ProjectNode, use: QuotaUse, times = 1): QuotaLack | null {
  for (const { name, limit, used } of withAncestors(project)) {
    for (const dimension of quotaDimensions) {
      const most = limit[dimension];
      const requested = times * use[dimension];
      if (most === null || requested === 0 || used[dimension] + requested <= most) continue;
      return { project: name, dimension, limit: most, used: used[dimension], requested };
    }
  }
  return null;
}

/** The first limit that one such request exceeds even when nothing else runs. */
export function hopelessLack(project: ProjectNode, use: QuotaUse, times = 1): QuotaLack | null {
  for (const { name, limit } of withAncestors(project)) {
    for (const dimension of quotaDimensions) {
      const most = limit[dimension];
      const requested = times * use[dimension];
      if (most === null || requested <= most) continue;
      return { project: name, dimension, limit: most, used: 0, requested };
    }
  }
  return null;
}

/** How many more such requests every limit allows; infinite where none applies. */
export function quotaRoom(project: ProjectNode, use: QuotaUse): number {
  let room = Number.POSITIVE_INFINITY;
  for (const { limit, used } of withAncestors(project)) {
    for (const dimension of quotaDimensions) {
      const most = limit[dimension];
      if (most === null || use[dimension] === 0) continue;
      room = Math.min(room, Math.floor((most - used[dimension]) / use[dimension]));
    }
  }
  return Math.max(0, room);
}

/**
 * Whether a request stays within a guarantee: the project's own, or what one above it is guaranteed
 * and its subprojects leave. A guarantee is about the dimensions that it names; a request that asks
 * for none of them is not covered by it.
 */
export function isCovered(project: ProjectNode, use: QuotaUse, times = 1): boolean {
  for (const one of withAncestors(project)) if (covers(one, one.used, use, times)) return true;
  return false;
}

function covers(
  { guaranteed }: ProjectNode,
  used: QuotaUse,
  use: QuotaUse,
  times: number,
): boolean {
  let isNamed = false;
  for (const dimension of quotaDimensions) {
    const owed = guaranteed[dimension];
    if (owed === null || use[dimension] === 0) continue;
    if (used[dimension] + times * use[dimension] > owed) return false;
    isNamed = true;
  }
  return isNamed;
}

/** Whether what is held is more than the project is guaranteed: then it would not be covered again. */
function isBorrowed({ guaranteed }: ProjectNode, used: QuotaUse, held: QuotaUse): boolean {
  let isNamed = false;
  for (const dimension of quotaDimensions) {
    const owed = guaranteed[dimension];
    if (owed === null || held[dimension] === 0) continue;
    if (used[dimension] > owed) return true;
    isNamed = true;
  }
  return !isNamed;
}

/**
 * Whether what `holder` holds may be stopped so that `owner` gets back what its guarantee covers.
 * Both sides are judged below the project that they share: there the owner's request must be
 * covered, and on the holder's side it must be borrowed from everyone. What was stopped is then not
 * covered itself, so nothing goes back and forth. `times`: so many of the request are to be covered
 * together. `usedOf`: what projects use, if not what the tree says.
 */
export function mayReclaim(
  owner: ProjectNode,
  request: QuotaUse,
  holder: ProjectNode,
  held: QuotaUse,
  times = 1,
  usedOf: (project: ProjectNode) => QuotaUse = ({ used }) => used,
): boolean {
  const owners = [...withAncestors(owner)];
  const holders = [...withAncestors(holder)];
  const owning = owners.filter((project) => !holders.includes(project));
  const holding = holders.filter((project) => !owners.includes(project));
  return (
    holding.length > 0 &&
    owning.some((project) => covers(project, project.used, request, times)) &&
    quotaDimensions.some((dimension) => request[dimension] > 0 && held[dimension] > 0) &&
    holding.every((project) => isBorrowed(project, usedOf(project), held))
  );
}

/**
 * Whether what `holder` holds is what it is guaranteed, and `taker` would have to borrow to get it: then
 * it may not be preempted, however important the taker's work, because it could be taken right back.
 */
export function isGuarded(
  holder: ProjectNode,
  held: QuotaUse,
  taker: ProjectNode,
  request: QuotaUse,
  usedOf: (project: ProjectNode) => QuotaUse,
  usedThen: (project: ProjectNode) => QuotaUse,
): boolean {
  const holders = [...withAncestors(holder)];
  const takers = [...withAncestors(taker)];
  const holding = holders.filter((project) => !takers.includes(project));
  const taking = takers.filter((project) => !holders.includes(project));
  return (
    taking.length > 0 &&
    holding.some((project) => covers(project, usedOf(project), held, 0)) &&
    quotaDimensions.some((dimension) => request[dimension] > 0 && held[dimension] > 0) &&
    taking.every((project) => isBorrowed(project, usedThen(project), request))
  );
}
