import { randomInt } from "node:crypto";
import type { Random } from "../ports.ts";
import { TOKEN_ALPHABET, tokenFrom } from "../token.ts";

/** Draws from the system's cryptographic source. */
export const nodeRandom: Random = {
  below: (bound) => randomInt(bound),
  token(length) {
    return tokenFrom(length, () => randomInt(TOKEN_ALPHABET.length));
  },
};
