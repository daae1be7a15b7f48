import { readFile, stat } from "node:fs/promises";
import { BerthError } from "@berth/protocol";

const OTHERS_MAY = 0o077;

/**
 * The nkey seed in a file that only its owner can read. Rejects with a `BerthError`: `not_found`
 * without the file, `denied` when others may read it too.
 */
export async function readSeedFile(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new BerthError("not_found", `cannot read the credentials file ${path}`, { cause });
  });
  const { mode } = await stat(path);
  if ((mode & OTHERS_MAY) !== 0) {
    throw new BerthError("denied", `others may read the credentials file ${path}`, {
      hint: `Run: chmod 600 ${path}`,
    });
  }
  const seed = text.trim();
  if (!/^SU[A-Z2-7]{56}$/.test(seed)) {
    throw new BerthError("invalid", `${path} does not hold a user nkey seed`);
  }
  return seed;
}
