import type { Random } from "../ports.ts";
import { TOKEN_ALPHABET, tokenFrom } from "../token.ts";

const TWO_TO_32 = 2 ** 32;

/**
 * The same draws for the same seed, for tests and simulations; never for secrets. The generator is
 * sfc32 (Chris Doty-Humphrey, PractRand 0.93): 128 bits of state, period of at least 2^32 for any
 * seed. The seed's text is spread over the state with FNV-1a.
 */
export function seededRandom(seed: string): Random {
  const next = sfc32(seed);
  const below = (bound: number) => {
    // Draws at or above the largest multiple of `bound` would favour the small results.
    const fair = TWO_TO_32 - (TWO_TO_32 % bound);
    let drawn = next();
    while (drawn >= fair) drawn = next();
    return drawn % bound;
  };
  return { below, token: (length) => tokenFrom(length, () => below(TOKEN_ALPHABET.length)) };
}

function sfc32(seed: string): () => number {
  let a = fnv1a(`a${seed}`);
  let b = fnv1a(`b${seed}`);
  let c = fnv1a(`c${seed}`);
  let counter = 1;
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  const WARM_UP_DRAWS = 12;
  for (let draw = 0; draw < WARM_UP_DRAWS; draw += 1) next();
  return next;
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash;
}
