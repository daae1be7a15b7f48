/**
 * What it costs to stop work for others, in integers. Costs are compared field by field, in this
 * order, so that no amount of a later field outweighs one of an earlier:
 *
 * 1. `band`: the most important priority band that is hurt: 1 scavenger, 2 batch, 3 production,
 *    4 system; 0 when nobody is.
 * 2. `weight`: the sum of `1 + priority` over the victims.
 * 3. `lostSeconds`: the sum of the whole seconds that batch victims have run.
 * 4. `count`: how many victims.
 */
export interface EvictionCost {
  readonly band: number;
  readonly weight: number;
  readonly lostSeconds: number;
  readonly count: number;
}

export const NO_COST: EvictionCost = { band: 0, weight: 0, lostSeconds: 0, count: 0 };

/** Negative when the first is cheaper. */
export function compareCosts(a: EvictionCost, b: EvictionCost): number {
  return (
    a.band - b.band || a.weight - b.weight || a.lostSeconds - b.lostSeconds || a.count - b.count
  );
}

/** Both together. Keeps the order: what is cheaper stays cheaper when the same is added to both. */
export function addCosts(a: EvictionCost, b: EvictionCost): EvictionCost {
  return {
    band: Math.max(a.band, b.band),
    weight: a.weight + b.weight,
    lostSeconds: a.lostSeconds + b.lostSeconds,
    count: a.count + b.count,
  };
}
