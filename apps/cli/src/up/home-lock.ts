import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rename, rm, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BerthError } from "@berth/protocol";
import { type ProcessIdentity, readClusterFile } from "../cluster/cluster-file.ts";
import { identityOf, isRunning } from "../cluster/process-identity.ts";

const ATTEMPTS_MAX = 20;

export interface HomeLock {
  release(): Promise<void>;
}

/**
 * Makes this process the one that runs the home's cluster. The lock names its holder, so that one
 * left behind by a killed process is known for what it is. Rejects with `conflict` while the
 * holder runs.
 */
export async function lockHome(home: string): Promise<HomeLock> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const file = lockFile(home);
  const draft = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`;
  await writeFile(draft, `${JSON.stringify(identityOf(process.pid))}\n`, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      if (await claim(draft, file)) return { release: () => rm(file, { force: true }) };
      const holder = await readLockHolder(home);
      if (holder !== null && isRunning(holder)) throw alreadyRunning(home, holder);
      await clearStale(file, draft);
    }
    throw new BerthError("conflict", `others keep taking the lock ${file}`);
  } finally {
    await rm(draft, { force: true });
  }
}

/** The process that holds the home's lock, running or not; null without a lock. */
export async function readLockHolder(home: string): Promise<ProcessIdentity | null> {
  try {
    const value: unknown = JSON.parse(await readFile(lockFile(home), "utf8"));
    return isIdentity(value) ? value : null;
  } catch {
    return null;
  }
}

function lockFile(home: string): string {
  return join(home, "up.lock");
}

/** A link, unlike a write, fails when the name is taken, and appears whole. */
async function claim(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Moved aside before it is judged: between reading and removing, another may have claimed it. */
async function clearStale(file: string, draft: string): Promise<void> {
  const aside = `${draft}.stale`;
  try {
    await rename(file, aside);
  } catch {
    return; // Somebody else was faster.
  }
  const value: unknown = JSON.parse(await readFile(aside, "utf8").catch(() => "null"));
  if (isIdentity(value) && isRunning(value)) await claim(aside, file);
  await unlink(aside);
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
