import type { ClusterState } from "./cluster-state.ts";
import { canonicalText } from "./canonical-text.ts";
import { sectionsOf } from "./snapshot/encode-state.ts";

/**
 * Names the state: equal for every replica that applied the same entries, whatever path led there.
 * Takes time in proportion to the state. It is the hash of what a snapshot holds, so what is derived
 * from that is left out; so are sentences and explanations, because nothing depends on them and
 * another version may word them, or keep as many of them, differently.
 */
export function stateHash(state: ClusterState): string {
  const hash = new Murmur();
  for (const [section, rows] of sectionsOf(state)) {
    if (section === "explanations" || section === "events") continue;
    for (const row of rows) hash.add(canonicalText(row));
  }
  return hash.digest();
}

/** Two independent 32-bit lanes of multiply-and-mix over UTF-16 units (the mixer of MurmurHash3). */
class Murmur {
  private low = 0x9e3779b9;
  private high = 0x85ebca6b;

  add(text: string): void {
    for (let i = 0; i < text.length; i += 1) {
      const unit = text.charCodeAt(i);
      this.low = Math.imul(this.low ^ unit, 0x01000193);
      this.high = Math.imul(this.high ^ unit, 0xcc9e2d51);
    }
    this.low = Math.imul(this.low ^ text.length, 0x01000193);
    this.high = Math.imul(this.high ^ text.length, 0xcc9e2d51);
  }

  digest(): string {
    return [mix(this.low), mix(this.high ^ this.low)]
      .map((lane) => lane.toString(16).padStart(8, "0"))
      .join("");
  }
}

function mix(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
