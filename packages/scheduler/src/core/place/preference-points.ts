import type { Spread } from "@berth/protocol";

/**
 * What preferences weigh in a score, in thousandths of a GPU: an affinity of weight 100 is worth as
 * much as a whole GPU is.
 */
const POINTS_PER_WEIGHT = 10;

/** For each replica of the same service that is there already, so that equal nodes share them. */
export const REPLICA_POINTS = -100;

/** For the node that most of the data is near; in proportion for the others. */
const LOCALITY_POINTS = 1000;

export function affinityPoints(weight: number): number {
  return weight * POINTS_PER_WEIGHT;
}

/**
 * One more where `there` are already: the fuller a value is of what it should have, the worse, so that
 * all fill in proportion. `values` is how many values the cluster's nodes have of the attribute; those
 * without a target share what the targets leave.
 */
export function spreadPoints(
  { weight, targets }: Spread,
  value: string,
  there: number,
  count: number,
  values: number,
): number {
  const points = weight * POINTS_PER_WEIGHT;
  const own = Object.hasOwn(targets, value) ? targets[value] : undefined;
  const percent = own ?? percentOfOthers(targets, values);
  const wanted = (count * percent) / 100;
  if (wanted === 0) return -points * (there + 1);
  return there === 0 ? 0 : -Math.round((points * there) / Math.max(1, wanted));
}

function percentOfOthers(targets: Readonly<Record<string, number>>, values: number): number {
  const percents = Object.values(targets);
  const left = percents.reduce((rest, percent) => rest - percent, 100);
  return Math.max(0, left) / Math.max(1, values - percents.length);
}

/** For a node with so much of the data near it, where `mostMiB` is the most that any node has. */
export function localityPoints(nearMiB: number, mostMiB: number): number {
  return mostMiB === 0 ? 0 : Math.floor((LOCALITY_POINTS * nearMiB) / mostMiB);
}

/** The most of a request's data that is near one node. */
export function mostNearMiB(locality: Readonly<Record<string, number>>): number {
  return Math.max(0, ...Object.values(locality));
}
