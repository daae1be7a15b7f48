import { limits, type PendingExplanation } from "@berth/protocol";
import { fleetOf } from "../fleet/cluster-fleet.ts";
import { fitsAtMost } from "../fleet/fits-at-most.ts";
import { presenceColumn } from "../fleet/node-masks.ts";
import { LOOKS_PER_LOOK } from "../place/candidates.ts";
import { placementRequest } from "../place/placement-request.ts";
import { byCodeUnit } from "../state/canonical-text.ts";
import type { WorkloadRecord } from "../state/cluster-state.ts";
import { gangOf } from "../state/gang.ts";
import type { Pass } from "./pass.ts";
import { type Placed, placeIndexes } from "./place-indexes.ts";
import { withConstraint } from "./with-constraint.ts";

export type GangLack = Extract<PendingExplanation, { reason: "gang" }>;

/** All of them, or none and why. */
export type GangPlaced =
  | { readonly placed: readonly number[]; readonly lack: null }
  | { readonly placed: readonly []; readonly lack: GangLack };

/**
 * Finds a place for all indexes at once and adds the placements to the pass, or nothing. With `within`
 * on the nodes of one domain: those that have one value of the attribute. Of domains with enough room
 * that which has least beyond it comes first: it is the smallest loss for larger gangs.
 */
export function placeGang(
  pass: Pass,
  workload: WorkloadRecord,
  indexes: readonly number[],
): GangPlaced {
  const within = gangOf(workload.spec)?.within ?? null;
  const candidatesMax = indexes.length > EXPLAINED_IN_FULL_MAX ? 1 : limits.placementCandidatesMax;
  let best: Placed | null = null;
  for (const domain of within === null ? [null] : domainsFor(pass, workload, within, indexes)) {
    const there = domain === null ? workload : withConstraint(workload, domain);
    const found = pass.asWhole(
      () => placeIndexes(pass, there, indexes, candidatesMax),
      ({ unplaced }) => unplaced.length === 0,
    );
    if (found.unplaced.length === 0) return { placed: found.placed, lack: null };
    if (best === null || found.placed.length > best.placed.length) best = found;
  }
  const lack: GangLack = {
    reason: "gang",
    size: indexes.length,
    placeable: best?.placed.length ?? 0,
    within,
    noFit: best?.noFit ?? null,
  };
  return { placed: [], lack };
}

/** Of larger gangs only the chosen node of each member is remembered: they stay in one entry. */
const EXPLAINED_IN_FULL_MAX = 64;

interface Domain {
  readonly value: string;
  /** At most so many fit its nodes. */
  readonly fits: number;
}

/**
 * Constraints that hold in one domain each: of the domains with enough room, as far as it can be
 * counted, best first; of the one with most when none has enough.
 */
function domainsFor(
  pass: Pass,
  workload: WorkloadRecord,
  within: string,
  indexes: readonly number[],
): string[] {
  const domains = countDomains(pass, workload, within);
  const enough = domains
    .filter(({ fits }) => fits >= indexes.length)
    .sort((a, b) => a.fits - b.fits || byCodeUnit(a.value, b.value));
  const [most] = domains.sort((a, b) => b.fits - a.fits || byCodeUnit(a.value, b.value));
  const chosen = enough.length > 0 ? enough : most ? [most] : [];
  if (chosen.length === 0) return [`exists ${within}`];
  return chosen.map(({ value }) => `${within} == ${quoted(value)}`);
}

function countDomains(pass: Pass, { spec }: WorkloadRecord, within: string): Domain[] {
  const request = placementRequest(spec);
  const { engine } = fleetOf(pass.state, pass.ledger);
  const { fleet, attributes } = engine;
  const compiled = engine.compile(request, [], null);
  const column = presenceColumn(attributes, within);
  const onNodeMax = request.distinct.reduce((least, { max }) => Math.min(least, max), Infinity);
  const fits = new Float64Array(column.values.length);
  for (let at = 0; at < fleet.nodes; at += 1) {
    const slot = fleet.order[at] as number;
    const number = column.numbers[slot] as number;
    fits[number] =
      (fits[number] as number) + Math.min(onNodeMax, fitsAtMost(fleet, compiled, slot));
  }
  pass.countLooks(Math.ceil(fleet.nodes / LOOKS_PER_LOOK));
  return column.values.flatMap((value, number) =>
    value === "" || column.nodes[number] === 0
      ? []
      : [{ value: value.slice(1), fits: fits[number] as number }],
  );
}

/** A word of the constraint language. */
function quoted(value: string): string {
  return /^[\w.-]+$/.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`;
}
