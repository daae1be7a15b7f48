import { createPrivateKey, sign } from "node:crypto";

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/** RFC 8410: the fixed head of an Ed25519 private key in PKCS #8. */
const PKCS8_ED25519_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");
const SEED_OFFSET = 2;
const SEED_BYTES = 32;

/** Signs a server's nonce with an nkey seed: how NATS checks who connects. */
export function signNonce(nonce: string, seed: string): string {
  const raw = decodeBase32(seed.trim()).subarray(SEED_OFFSET, SEED_OFFSET + SEED_BYTES);
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_ED25519_HEAD, raw]),
    format: "der",
    type: "pkcs8",
  });
  return sign(null, Buffer.from(nonce), key).toString("base64url");
}

function decodeBase32(text: string): Buffer {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const character of text) {
    value = ((value << 5) | BASE32.indexOf(character)) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >>> bits) & 0xff);
    }
  }
  return Buffer.from(bytes);
}
