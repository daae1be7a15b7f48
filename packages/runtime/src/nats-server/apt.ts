import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const COMMAND_TIMEOUT_MS = 600_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/** The package's own service must not start: it would sit on 4222, without JetStream. */
const ENVIRONMENT = { DEBIAN_FRONTEND: "noninteractive", SYSTEMD_OFFLINE: "1", LC_ALL: "C" };

export const PACKAGE = "nats-server";

/** Runs one of apt's programs to its end; resolves to what it printed. */
export async function apt(
  program: "apt-get" | "apt-cache",
  args: readonly string[],
  cwd?: string,
): Promise<string> {
  const { stdout } = await run(program, ["-q", ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...ENVIRONMENT },
    timeout: COMMAND_TIMEOUT_MS,
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  return stdout;
}

/** Copies the program out of the one package file in `downloads` into `folder`. */
export async function unpackProgram(downloads: string, folder: string): Promise<void> {
  const archive = (await readdir(downloads)).find((file) => file.endsWith(".deb"));
  if (archive === undefined) throw new Error("apt-get download left no package");
  await run("dpkg-deb", ["-x", archive, "unpacked"], { cwd: downloads });
  await copyFile(join(downloads, "unpacked", "usr", "sbin", PACKAGE), join(folder, PACKAGE));
}

/** Gives `work` an empty folder of its own, and removes it afterwards. */
export async function withScratch<T>(work: (scratch: string) => Promise<T>): Promise<T> {
  const scratch = await mkdtemp(join(tmpdir(), "berth-apt-"));
  try {
    return await work(scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The last thing that a failed command said. */
export function lastLine(cause: unknown): string {
  const stderr = cause instanceof Error && "stderr" in cause ? String(cause.stderr) : "";
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  return lines.at(-1)?.trim() ?? (cause instanceof Error ? cause.message : String(cause));
}
