/** A seeded source of uniform numbers. The same seed gives the same sequence on every machine. */
export interface Random {
  /** A uniform integer in [0, bound), without modulo bias. `bound` is 1 … 2^32. */
  below(bound: number): number;
}

const TWO_TO_32 = 0x1_0000_0000;

/**
 * xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021), its
 * state filled from the seed by splitmix32 so that neighbouring seeds give unrelated sequences.
 */
export function createRandom(seed: number): Random {
  const state = new Uint32Array(4);
  let mixed = seed >>> 0;
  for (let word = 0; word < state.length; word++) {
    mixed = (mixed + 0x9e3779b9) >>> 0;
    let z = mixed;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    state[word] = z ^ (z >>> 15);
  }

  function next(): number {
    const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = state;
    const product = Math.imul(s1, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const t2 = s2 ^ s0;
    const t3 = s3 ^ s1;
    state[1] = s1 ^ t2;
    state[0] = s0 ^ t3;
    state[2] = t2 ^ (s1 << 9);
    state[3] = (t3 << 11) | (t3 >>> 21);
    return result;
  }

  return {
    below(bound) {
      const fair = TWO_TO_32 - (TWO_TO_32 % bound);
      let drawn = next();
      while (drawn >= fair) drawn = next();
      return drawn % bound;
    },
  };
}

/** Fisher–Yates: reorders `items` in place, every order equally likely. */
export function shuffle<Item>(items: Item[], random: Random): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    const held = items[last] as Item;
    items[last] = items[other] as Item;
    items[other] = held;
  }
}
