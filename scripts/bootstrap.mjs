/**
 * Makes a fresh clone ready to run: the right Node, the dependencies, the build. Uses nothing but
 * Node's own modules, for nothing else is there yet. Takes well under a second when there is
 * nothing to do.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { localProgram, root, runCommand } from "./run-command.mjs";

const NODE_MINIMUM = [20, 19];

/** Something cannot be made ready; the message says what, with the output of what failed. */
export class BootstrapError extends Error {}

/** @throws {BootstrapError} */
export async function bootstrap() {
  await installDependencies();
  await build();
}

/** @throws {BootstrapError} */
export async function installDependencies() {
  requireNode();
  if (isInstalled()) return;
  // Not `npm ci`: it refuses a lockfile that lacks another platform's optional binaries.
  await step("installing dependencies", "npm", ["install", "--no-save", "--include=dev"]);
}

/** @throws {BootstrapError} */
export async function build() {
  await step("building", localProgram("turbo"), buildArguments);
}

/** What turbo needs to build all that executables load, and nothing that is built already. */
export const buildArguments = [
  "run",
  "build",
  "--filter=@berth/cli",
  "--output-logs=errors-only",
  "--log-order=grouped",
];

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [needMajor = 0, needMinor = 0] = NODE_MINIMUM;
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  throw new BootstrapError(
    `Berth needs Node ${NODE_MINIMUM.join(".")} or newer; this is ${process.versions.node} (${process.execPath}).`,
  );
}

/** npm writes down what it installed; it is current when the lockfile asks for nothing else. */
export function isInstalled(folder = root) {
  const installedFile = join(folder, "node_modules", ".package-lock.json");
  if (!existsSync(installedFile)) return false;
  const wanted = packagesOf(join(folder, "package-lock.json"));
  const installed = packagesOf(installedFile);
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "" || entry.link || !path.includes("node_modules/")) return true;
    const found = installed[path];
    return found === undefined ? entry.optional === true : found.version === entry.version;
  });
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, link?: boolean, optional?: boolean }>}
 */
function packagesOf(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages ?? {};
}

/**
 * Silent when it is quick; otherwise one line, and the command's output only when it fails.
 * @param {string} title @param {string} command @param {readonly string[]} args
 */
async function step(title, command, args) {
  const startedAt = performance.now();
  const announce = setTimeout(() => process.stderr.write(`berth: ${title} ...\n`), 800);
  const { code, output } = await runCommand(command, args, { collect: true });
  clearTimeout(announce);
  if (code !== 0)
    throw new BootstrapError(`${title} failed (exit code ${code}):\n${output.trim()}`);
  const seconds = (performance.now() - startedAt) / 1000;
  if (seconds > 3) process.stderr.write(`berth: ${title}: done in ${seconds.toFixed(0)} s\n`);
}
