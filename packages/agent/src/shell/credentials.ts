import { access, link, mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { BerthError, NodeId } from "@berth/protocol";
import { publicKeyOf } from "@berth/runtime/nats";
import { readSeedFile } from "@berth/runtime/node";
import { nkeys } from "nats";
import { errnoOf } from "./durable-file.ts";

export interface NodeCredentials {
  /** The secret nkey seed. */
  readonly seed: string;
  /** Its public key: what the server must know, and the node's id. */
  readonly nodeId: NodeId;
}

/**
 * The credentials in a file, made when it is missing. Rejects with a `BerthError`: `denied` when
 * others may read the file, `invalid` when it holds no user seed.
 */
export async function loadOrCreateCredentials(file: string): Promise<NodeCredentials> {
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (!isThere) await createSeedFile(file);
  const seed = await readSeedFile(file);
  return { seed, nodeId: NodeId.parse(publicKeyOf(seed)) };
}

/** Whole or not at all, and never over one that is there. */
async function createSeedFile(file: string): Promise<void> {
  const draft = `${file}.${process.pid}.new`;
  const seed = new TextDecoder().decode(nkeys.createUser().getSeed());
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(draft, `${seed}\n`, { mode: 0o600 });
    await link(draft, file);
  } catch (cause) {
    if (errnoOf(cause) === "EEXIST") return;
    throw new BerthError("internal", `cannot create the credentials file ${file}`, { cause });
  } finally {
    await rm(draft, { force: true });
  }
}
