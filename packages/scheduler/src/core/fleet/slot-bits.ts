import { grown } from "./fleet-columns.ts";

/** A set of slots: one bit for each, 32 to a word. */
export type SlotBits = Int32Array;

export function slotBits(slots: number): SlotBits {
  return new Int32Array((slots + 31) >>> 5);
}

export function hasSlot(bits: SlotBits, slot: number): boolean {
  return ((bits[slot >>> 5] as number) & (1 << (slot & 31))) !== 0;
}

/** The set with the slot in it or not: the same object where it is long enough. */
export function withSlot(bits: SlotBits, slot: number, isIn: boolean): SlotBits {
  const at = slot >>> 5;
  const wide = at < bits.length ? bits : grown(bits, Math.max(at + 1, 2 * bits.length));
  const bit = 1 << (slot & 31);
  wide[at] = isIn ? (wide[at] as number) | bit : (wide[at] as number) & ~bit;
  return wide;
}

/** Keeps of a set what is in the other, too. */
export function keepCommon(bits: SlotBits, others: SlotBits): void {
  for (let at = 0; at < bits.length; at += 1) {
    bits[at] = (bits[at] as number) & (others[at] ?? 0);
  }
}

export function sizeOf(bits: SlotBits): number {
  let size = 0;
  for (const word of bits) for (let rest = word; rest !== 0; rest &= rest - 1) size += 1;
  return size;
}

/** Calls `each` for every slot of the set, ascending. */
export function forEachSlot(bits: SlotBits, each: (slot: number) => void): void {
  for (let at = 0; at < bits.length; at += 1) {
    for (let rest = bits[at] as number; rest !== 0; rest &= rest - 1) {
      each(32 * at + 31 - Math.clz32(rest & -rest));
    }
  }
}
