export const TOKEN_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";

/** A token of `length` characters, each the letter or digit at the index that `draw` returns. */
export function tokenFrom(length: number, draw: () => number): string {
  let token = "";
  while (token.length < length) token += TOKEN_ALPHABET.charAt(draw());
  return token;
}
