import { byCodeUnit } from "./canonical-text.ts";
import type { ClusterState } from "./cluster-state.ts";
import type { HeaderRow } from "./snapshot/state-format.ts";
import { sectionsOf } from "./snapshot/encode-state.ts";

/**
 * Names the state: equal for every replica that applied the same entries, whatever path led there.
 * Takes time in proportion to the state. It is the hash of what a snapshot holds, so what is derived
 * from that is left out; so are sentences and explanations, because nothing depends on them and
 * another version may word them, or keep as many of them, differently.
 */
export function stateHash(state: ClusterState): string {
  const hash = new ValueHash();
  for (const [section, rows] of sectionsOf(state)) {
    if (section === "explanations" || section === "events") continue;
    for (const row of rows) hash.add(section === "header" ? comparable(row as HeaderRow) : row);
  }
  return hash.digest();
}

/**
 * The header without what the version that writes it brings along: a state that uses nothing new has
 * the hash that it had in version 1.
 */
function comparable(header: HeaderRow): HeaderRow {
  return { ...header, v: 1, words: { ...header.words, stopReason: [...firstStopReasons] } };
}

const firstStopReasons = [
  "workload.stopped",
  "workload.updated",
  "workload.scaled",
  "node.drained",
  "node.unmatched",
  "unhealthy",
  "restart.requested",
] as const;

/** Set before a value, so that 1, "1" and [1] differ. */
const tags = { null: 1, false: 2, true: 3, number: 4, text: 5, list: 6, object: 7 } as const;

/**
 * Two independent 32-bit lanes of multiply-and-mix over JSON values (the mixer of MurmurHash3).
 * Keys count in code-unit order: objects are equal whatever order they were built in.
 */
class ValueHash {
  private low = 0x9e3779b9;
  private high = 0x85ebca6b;

  add(value: unknown): void {
    if (typeof value === "number") this.addNumber(value);
    else if (typeof value === "string") this.addText(value);
    else if (typeof value === "boolean") this.addWord(value ? tags.true : tags.false);
    else if (Array.isArray(value)) this.addList(value);
    else if (isRecord(value)) this.addObject(value);
    else this.addWord(tags.null);
  }

  digest(): string {
    return [mix(this.low), mix(this.high ^ this.low)]
      .map((lane) => lane.toString(16).padStart(8, "0"))
      .join("");
  }

  private addNumber(number: number): void {
    if (!Number.isInteger(number)) return this.addText(String(number));
    this.addWord(tags.number);
    this.addWord(number | 0);
    this.addWord(Math.floor(number / 2 ** 32) | 0);
  }

  private addText(text: string): void {
    this.addWord(tags.text);
    this.addWord(text.length);
    for (let i = 0; i < text.length; i += 1) this.addWord(text.charCodeAt(i));
  }

  private addList(values: readonly unknown[]): void {
    this.addWord(tags.list);
    this.addWord(values.length);
    for (const value of values) this.add(value);
  }

  private addObject(object: Readonly<Record<string, unknown>>): void {
    const present = Object.keys(object).filter((key) => object[key] !== undefined);
    this.addWord(tags.object);
    this.addWord(present.length);
    for (const key of present.sort(byCodeUnit)) {
      this.addText(key);
      this.add(object[key]);
    }
  }

  private addWord(word: number): void {
    this.low = rotated(Math.imul(this.low ^ word, 0x1b873593), 13);
    this.high = rotated(Math.imul(this.high ^ word, 0xcc9e2d51), 15);
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** Carries the high bits, which a multiplication only moves up and out, back to the low ones. */
function rotated(lane: number, bits: number): number {
  return (lane << bits) | (lane >>> (32 - bits));
}

function mix(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
