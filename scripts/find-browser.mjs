import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { runCommand } from "./run-command.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/**
 * A Chromium for the browser tests: `BERTH_BROWSER`, one on PATH, or Debian's, installed where
 * this process may do so. Null when there is none.
 *
 * @param {(line: string) => void} say
 * @returns {Promise<string | null>}
 */
export async function findBrowser(say) {
  const named = process.env["BERTH_BROWSER"];
  if (named) return named;
  const installed = onPath();
  if (installed) return installed;
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) return null;
  say("installing Debian's chromium (apt-get install) ...");
  const install = ["install", "-y", "-q", "--no-install-recommends", "chromium"];
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const lock = ["-o", "DPkg::Lock::Timeout=300"];
  let result = await runCommand("apt-get", [...lock, ...install], { collect: true, env });
  if (result.code !== 0) {
    await runCommand("apt-get", [...lock, "update", "-q"], { collect: true, env });
    result = await runCommand("apt-get", [...lock, ...install], { collect: true, env });
  }
  if (result.code !== 0) say(`that failed: ${result.output.trim().split("\n").at(-1)}`);
  return onPath();
}

function onPath() {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin"];
  const candidates = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return candidates.find((file) => existsSync(file)) ?? null;
}
