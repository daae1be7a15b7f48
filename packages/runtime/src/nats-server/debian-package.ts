import { execFile } from "node:child_process";
import { access, copyFile, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { BerthError } from "@berth/protocol";

const run = promisify(execFile);
const PACKAGE = "nats-server";
const COMMAND_TIMEOUT_MS = 600_000;

/** The package's own service must not start: it would sit on 4222, without JetStream. */
const ENVIRONMENT = { DEBIAN_FRONTEND: "noninteractive", SYSTEMD_OFFLINE: "1", LC_ALL: "C" };
const LOCK_PATIENCE = ["-o", "DPkg::Lock::Timeout=300"];

export async function isDebian(): Promise<boolean> {
  if (process.platform !== "linux") return false;
  const tools = ["/usr/bin/apt-get", "/usr/bin/dpkg-deb"].map((tool) => access(tool));
  return (await Promise.allSettled(tools)).every(({ status }) => status === "fulfilled");
}

export type DebianRequest =
  | { readonly mode: "install" }
  /** Needs no rights: the package is fetched and unpacked, and its program copied to `folder`. */
  | { readonly mode: "unpack"; readonly folder: string };

/** Rejects with a `BerthError` `unreachable` that ends with what apt said. */
export async function obtainFromDebian(request: DebianRequest): Promise<void> {
  try {
    await (request.mode === "install" ? install() : downloadAndUnpack(request.folder));
  } catch (cause) {
    if (cause instanceof BerthError) throw cause;
    throw new BerthError(
      "unreachable",
      `apt-get could not provide ${PACKAGE}: ${lastLine(cause)}`,
      {
        hint: `Try 'apt-get update && apt-get install ${PACKAGE}' by hand, or set BERTH_NATS_SERVER to a nats-server program.`,
        retryable: true,
        cause,
      },
    );
  }
}

async function install(): Promise<void> {
  const install = () =>
    apt([...LOCK_PATIENCE, "install", "-y", "--no-install-recommends", PACKAGE]);
  await install().catch(async () => {
    await apt([...LOCK_PATIENCE, "update"]);
    await install();
  });
  await run("systemctl", ["disable", `${PACKAGE}.service`]).catch(() => {
    // No systemd here, so nothing to disable.
  });
}

async function downloadAndUnpack(folder: string): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), "berth-apt-"));
  try {
    await apt(["download", PACKAGE], scratch).catch(async () => {
      const own = await ownPackageLists(scratch);
      await apt([...own, "update"], scratch);
      await apt([...own, "download", PACKAGE], scratch);
    });
    const archive = (await readdir(scratch)).find((file) => file.endsWith(".deb"));
    if (archive === undefined) throw new Error("apt-get download left no package");
    await run("dpkg-deb", ["-x", archive, "unpacked"], { cwd: scratch });
    await copyFile(join(scratch, "unpacked", "usr", "sbin", PACKAGE), join(folder, PACKAGE));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Options that let a user without rights refresh a private copy of the package lists. */
async function ownPackageLists(scratch: string): Promise<string[]> {
  const lists = join(scratch, "lists");
  const cache = join(scratch, "cache");
  await mkdir(join(lists, "partial"), { recursive: true });
  await mkdir(join(cache, "archives", "partial"), { recursive: true });
  return [
    "-o",
    `Dir::State::Lists=${lists}`,
    "-o",
    `Dir::Cache=${cache}`,
    "-o",
    "Debug::NoLocking=true",
  ];
}

async function apt(args: readonly string[], cwd?: string): Promise<void> {
  await run("apt-get", ["-q", ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...ENVIRONMENT },
    timeout: COMMAND_TIMEOUT_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
}

function lastLine(cause: unknown): string {
  const stderr = cause instanceof Error && "stderr" in cause ? String(cause.stderr) : "";
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  return lines.at(-1)?.trim() ?? (cause instanceof Error ? cause.message : String(cause));
}
