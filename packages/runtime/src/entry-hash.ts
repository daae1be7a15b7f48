import { createHash } from "node:crypto";

/** What the first entry of a log names as the hash of the one before it. */
export const NO_ENTRY_HASH = "0".repeat(64);

/** The hash of one stored log entry: SHA-256 over its bytes as stored, in lower-case hex. */
export function hashEntry(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
