import { randomBytes } from "node:crypto";
import { chmod, link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BerthError } from "@berth/protocol";
import { nkeys } from "nats";

const ROUTE_SECRET_BYTES = 32;

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

/** What lets the servers of a cluster find each other: made once, readable by its owner only. */
export async function prepareRouteSecret(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, "routes.key");
  await createSecret(file, () => randomBytes(ROUTE_SECRET_BYTES).toString("hex"));
  await chmod(file, 0o600);
  const secret = (await readFile(file, "utf8")).trim();
  if (/^[0-9a-zA-Z]{32,}$/.test(secret)) return secret;
  throw new BerthError("invalid", `${file} holds no secret of 32 letters and digits or more`, {
    hint: "Remove the file to have a new one made while the cluster is stopped.",
  });
}

/** Makes `<name>.nk` in `folder`, which must exist, or keeps the one that is there. */
export async function prepareCredential(folder: string, name: string): Promise<Credential> {
  const seedFile = join(folder, `${name}.nk`);
  await createSecret(seedFile, () => new TextDecoder().decode(nkeys.createUser().getSeed()));
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
async function createSecret(file: string, make: () => string): Promise<void> {
  const draft = `${file}.${process.pid}.${randomBytes(4).toString("hex")}.new`;
  await writeFile(draft, `${make()}\n`, { mode: 0o600 });
  try {
    await link(draft, file);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    await rm(draft, { force: true });
  }
}
