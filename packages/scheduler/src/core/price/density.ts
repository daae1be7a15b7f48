import type { Demand } from "./demand.ts";

/** How much of a resource future work needs beside each unit of another: a GPU, or a core. */
export interface Density {
  /** Mean need per unit, in the resource's own unit; 0 when nothing needs it. */
  readonly perUnit: number;
  /** Standard deviation of the need for one unit; it grows with the root of the units. */
  readonly deviation: number;
}

/**
 * How much of the variety of demand one node sees: little, because placement chooses what goes where.
 * Results are flat from 0 to 0.1; from 0.2 on, work is spread over idle nodes and large tasks starve.
 */
const STEERED_SHARE = 0.05;

/** A resource that nothing asks for. */
export const NOT_NEEDED: Density = { perUnit: 0, deviation: 0 };

/** What demand needs of a resource beside each unit; `units` says how many one task takes. */
export function densityOf(
  demand: readonly Demand[],
  units: (task: Demand) => number,
  need: (task: Demand) => number,
): Density {
  let total = 0;
  let needed = 0;
  for (const task of demand) {
    total += task.count * units(task);
    needed += task.count * need(task);
  }
  if (total === 0 || needed === 0) return NOT_NEEDED;
  const perUnit = needed / total;
  let squares = 0;
  for (const task of demand) squares += task.count * (need(task) - perUnit * units(task)) ** 2;
  return { perUnit, deviation: STEERED_SHARE * Math.sqrt(squares / total) };
}

/** Work exactly as dense as what there is: all that is known before there is demand. */
export function evenly(amount: number, units: number): Density {
  return units === 0 ? NOT_NEEDED : { perUnit: amount / units, deviation: 0 };
}
