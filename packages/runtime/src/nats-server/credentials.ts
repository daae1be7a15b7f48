import { chmod, link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BerthError } from "@berth/protocol";
import { nkeys } from "nats";

/**
 * Who talks to the server. `operator` is a person's command line, `gateway` the console's server,
 * `agent` the one agent of an embedded cluster.
 */
export const natsRoles = ["scheduler", "gateway", "operator", "agent"] as const;
export type NatsRole = (typeof natsRoles)[number];

export interface Credential {
  /** Goes into the server's configuration; for an agent it is also the node's id. */
  readonly publicKey: string;
  /** A file with the nkey seed: readable by its owner only, and never sent anywhere. */
  readonly seedFile: string;
}
export type Credentials = Readonly<Record<NatsRole, Credential>>;

/** Makes what is missing in `folder` and keeps what is there: `<role>.nk`, one seed each. */
export async function prepareCredentials(folder: string): Promise<Credentials> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  return {
    scheduler: await prepareCredential(folder, "scheduler"),
    gateway: await prepareCredential(folder, "gateway"),
    operator: await prepareCredential(folder, "operator"),
    agent: await prepareCredential(folder, "agent"),
  };
}

async function prepareCredential(folder: string, role: NatsRole): Promise<Credential> {
  const seedFile = join(folder, `${role}.nk`);
  await createSeed(seedFile);
  await chmod(seedFile, 0o600);
  const seed = (await readFile(seedFile, "utf8")).trim();
  try {
    return { publicKey: nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey(), seedFile };
  } catch (cause) {
    throw new BerthError("invalid", `${seedFile} holds no nkey seed`, {
      hint: "Put the right seed back, or remove the file to have a new one made: the node then joins under a new id.",
      cause,
    });
  }
}

/** Whole or not at all, and never over an existing one: two processes may start at once. */
async function createSeed(seedFile: string): Promise<void> {
  const draft = `${seedFile}.${process.pid}.new`;
  const seed = new TextDecoder().decode(nkeys.createUser().getSeed());
  await writeFile(draft, `${seed}\n`, { mode: 0o600 });
  try {
    await link(draft, seedFile);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    await rm(draft, { force: true });
  }
}
