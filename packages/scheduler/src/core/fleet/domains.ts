import { byCodeUnit } from "../state/canonical-text.ts";
import { FORBIDDEN, Preference } from "./fleet-request.ts";
import type { AttributeColumn } from "./node-attributes.ts";

interface Domain {
  readonly number: number;
  readonly value: string;
  readonly fits: number;
}

/**
 * The numbers of the values whose nodes have room for `size` tasks, `fitsAt` saying how many fit in a
 * slot. That with least room beyond them comes first: it is the smallest loss for what is larger.
 */
export function domainsWithRoom(
  { numbers, values }: AttributeColumn,
  size: number,
  slots: number,
  fitsAt: (slot: number) => number,
): number[] {
  const fits = new Float64Array(values.length);
  for (let slot = 0; slot < slots; slot += 1) {
    const number = numbers[slot] as number;
    fits[number] = (fits[number] as number) + fitsAt(slot);
  }
  const domains: Domain[] = [];
  for (const [number, value] of values.entries()) {
    const there = fits[number] as number;
    if (value !== "" && there >= size) domains.push({ number, value, fits: there });
  }
  domains.sort((a, b) => a.fits - b.fits || byCodeUnit(a.value, b.value));
  return domains.map(({ number }) => number);
}

/** Nodes with one value, and no others. */
export function onlyAt({ numbers, values }: AttributeColumn, number: number): Preference {
  const points = new Int32Array(values.length).fill(FORBIDDEN);
  points[number] = 0;
  return new Preference(numbers, points, 0);
}
