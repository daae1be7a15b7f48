import { execFile } from "node:child_process";
import { access, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { BerthError } from "@berth/protocol";
import { apt, lastLine, PACKAGE, unpackProgram, withScratch } from "./apt.ts";
import { parseVersion } from "./version.ts";

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

/** The version that the system's own sources offer; null when they do not, or have not been read. */
export async function offeredVersion(): Promise<string | null> {
  const policy = await apt("apt-cache", ["policy", PACKAGE]).catch(() => "");
  return parseVersion(/^\s*Candidate:(.*)$/m.exec(policy)?.[1] ?? "");
}

/** Rejects with a `BerthError` `unreachable` that ends with what apt said. */
export async function obtainFromDebian(request: DebianRequest): Promise<void> {
  try {
    await (request.mode === "install" ? install() : downloadAndUnpack(request.folder));
  } catch (cause) {
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
    apt("apt-get", [...LOCK_PATIENCE, "install", "-y", "--no-install-recommends", PACKAGE]);
  await install().catch(async () => {
    await apt("apt-get", [...LOCK_PATIENCE, "update"]);
    await install();
  });
  await promisify(execFile)("systemctl", ["disable", `${PACKAGE}.service`]).catch(() => {
    // No systemd here, so nothing to disable.
  });
}

async function downloadAndUnpack(folder: string): Promise<void> {
  await withScratch(async (scratch) => {
    await apt("apt-get", ["download", PACKAGE], scratch).catch(async () => {
      const own = await ownPackageLists(scratch);
      await apt("apt-get", [...own, "update"], scratch);
      await apt("apt-get", [...own, "download", PACKAGE], scratch);
    });
    await unpackProgram(scratch, folder);
  });
}

/** Options that let a user without rights refresh a private copy of the package lists. */
async function ownPackageLists(scratch: string): Promise<string[]> {
  const lists = join(scratch, "lists");
  const cache = join(scratch, "cache");
  await mkdir(join(lists, "partial"), { recursive: true });
  await mkdir(join(cache, "archives", "partial"), { recursive: true });
  const options = [`Dir::State::Lists=${lists}`, `Dir::Cache=${cache}`, "Debug::NoLocking=true"];
  return options.flatMap((option) => ["-o", option]);
}
