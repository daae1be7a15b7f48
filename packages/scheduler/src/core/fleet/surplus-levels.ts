/**
 * Surpluses in levels: those of one level cost nearly the same. Level 0 is none at all; from there each
 * power of two is a level, and from some 30 to some 16,000 points, where requests differ most, four.
 */
export const LEVELS = 48;

/** Exponents: levels are whole powers of two outside of these, quarters of them between. */
const FIRST = 12;
const FINE_FROM = 15;
const FINE_TO = 24;
const PARTS = 4;

export function levelOf(surplus: number): number {
  if (surplus < 1 << FIRST) return surplus === 0 ? 0 : 1;
  const exponent = 31 - Math.clz32(surplus);
  if (exponent < FINE_FROM) return 2 + exponent - FIRST;
  const fine = 2 + FINE_FROM - FIRST;
  if (exponent >= FINE_TO) return fine + PARTS * (FINE_TO - FINE_FROM) + exponent - FINE_TO;
  return fine + PARTS * (exponent - FINE_FROM) + ((surplus >>> (exponent - 2)) & (PARTS - 1));
}

/** The least and the most that surpluses of a level are. */
export const levelMin = new Int32Array(LEVELS);
export const levelMax = new Int32Array(LEVELS);

for (let level = 1, min = 1; level < LEVELS; level += 1) {
  levelMin[level] = min;
  const exponent = 31 - Math.clz32(min);
  const isFine = exponent >= FINE_FROM && exponent < FINE_TO;
  const next = min < 1 << FIRST ? 1 << FIRST : min + 2 ** exponent / (isFine ? PARTS : 1);
  levelMax[level] = Math.min(next - 1, 2 ** 30);
  min = next;
}
