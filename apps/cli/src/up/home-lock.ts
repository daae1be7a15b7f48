import { randomBytes } from "node:crypto";
import { link, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BerthError } from "@berth/protocol";
import { type ProcessIdentity, readClusterFile } from "../cluster/cluster-file.ts";
import { identityOf, isRunning } from "../cluster/process-identity.ts";

const ATTEMPTS_MAX = 50;

export interface HomeLock {
  release(): Promise<void>;
}

/**
 * Makes this process the one that runs the home's cluster. Rejects with `conflict` while another
 * one does.
 *
 * The folder `lock` holds numbered claims, each naming its process. The highest one counts, and one
 * whose process is gone is not removed but outbid by the next number. A number can be claimed once
 * only, so of all who found the same claim stale exactly one succeeds.
 */
export async function lockHome(home: string): Promise<HomeLock> {
  const folder = lockFolder(home);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = join(folder, `draft-${process.pid}-${randomBytes(4).toString("hex")}`);
  await writeFile(draft, `${JSON.stringify(identityOf(process.pid))}\n`, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const number = ((await claims(folder)).at(-1) ?? 0) + 1;
      const holder = await readLockHolder(home);
      if (holder !== null && isRunning(holder)) throw alreadyRunning(home, holder);
      if (await claim(draft, folder, number)) return { release: () => withdraw(folder, number) };
    }
    throw new BerthError("conflict", `others keep taking the lock in ${folder}`);
  } finally {
    await rm(draft, { force: true });
  }
}

/** The process of the highest claim, running or not; null when there is none that can be read. */
export async function readLockHolder(home: string): Promise<ProcessIdentity | null> {
  const folder = lockFolder(home);
  const number = (await claims(folder)).at(-1);
  if (number === undefined) return null;
  try {
    const value: unknown = JSON.parse(await readFile(join(folder, String(number)), "utf8"));
    return isIdentity(value) ? value : null;
  } catch {
    return null;
  }
}

function lockFolder(home: string): string {
  return join(home, "lock");
}

async function claims(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => /^[1-9]\d{0,9}$/.test(name))
    .map(Number)
    .toSorted((a, b) => a - b);
}

/**
 * Whether the number is ours and the highest. A link appears whole and fails when the name is
 * taken; a listing made while others come and go may have missed a higher claim, hence the look
 * back. The claim before ours stays, so that such a listing finds at least that one.
 */
async function claim(draft: string, folder: string, number: number): Promise<boolean> {
  try {
    await link(draft, join(folder, String(number)));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
  const others = await claims(folder);
  if (others.at(-1) !== number) {
    await withdraw(folder, number);
    return false;
  }
  for (const old of others.filter((other) => other < number - 1)) await withdraw(folder, old);
  return true;
}

function withdraw(folder: string, number: number): Promise<void> {
  return rm(join(folder, String(number)), { force: true });
}

function isIdentity(value: unknown): value is ProcessIdentity {
  return (
    typeof value === "object" && value !== null && "pid" in value && typeof value.pid === "number"
  );
}

function alreadyRunning(home: string, { pid }: ProcessIdentity): BerthError {
  const cluster = readClusterFile(home);
  const where = cluster?.supervisor?.pid === pid ? `, console ${cluster.consoleUrl}` : "";
  return new BerthError("conflict", `a cluster already runs on ${home}: process ${pid}${where}`, {
    hint: "Look at it with `berth status`, end it with `berth down`, or name another --home.",
    details: { pid, consoleUrl: cluster?.consoleUrl ?? null },
  });
}
