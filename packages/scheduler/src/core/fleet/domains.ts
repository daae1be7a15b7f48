import { byCodeUnit } from "../state/canonical-text.ts";
import type { FleetRequest } from "./fleet-request.ts";
import type { AttributeColumn } from "./node-attributes.ts";
import { hasSlot, sizeOf, slotBits, withSlot } from "./slot-bits.ts";

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

/** The request on the nodes with one value, and no others. */
export function within(
  request: FleetRequest,
  { numbers }: AttributeColumn,
  number: number,
  slots: number,
): FleetRequest {
  const mask = slotBits(slots);
  for (let slot = 0; slot < slots; slot += 1) {
    const isIn = request.mask === null || hasSlot(request.mask, slot);
    if (numbers[slot] === number && isIn) withSlot(mask, slot, true);
  }
  return { ...request, mask, maskSize: sizeOf(mask) };
}
