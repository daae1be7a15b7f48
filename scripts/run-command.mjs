import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The repository's folder; every command runs in it. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * The tools phone nobody and keep no background process.
 * @type {Readonly<Record<string, string>>}
 */
const quietTools = {
  TURBO_TELEMETRY_DISABLED: "1",
  TURBO_NO_UPDATE_NOTIFIER: "1",
  DO_NOT_TRACK: "1",
  npm_config_update_notifier: "false",
  npm_config_fund: "false",
  npm_config_audit: "false",
  ...(process.stdout.isTTY ? {} : { NO_COLOR: "1" }),
};

/**
 * Runs a command to its end. Its output goes straight to the terminal, or is collected and given
 * back where `collect` is set.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ collect?: boolean, env?: Readonly<Record<string, string>> }} [options]
 * @returns {Promise<{ code: number, output: string }>} Code 127 when it cannot be started.
 */
export function runCommand(command, args, { collect = false, env = {} } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...quietTools, ...env },
      stdio: ["ignore", collect ? "pipe" : "inherit", collect ? "pipe" : "inherit"],
    });
    /** @type {Buffer[]} */
    const chunks = [];
    child.stdout?.on("data", (chunk) => chunks.push(chunk));
    child.stderr?.on("data", (chunk) => chunks.push(chunk));
    const done = (/** @type {number} */ code, /** @type {string} */ extra) =>
      resolve({ code, output: Buffer.concat(chunks).toString("utf8") + extra });
    child.once("error", (error) => done(127, `${error.message}\n`));
    child.once("close", (code) => done(code ?? 1, ""));
  });
}

/**
 * A program of `node_modules/.bin`, without npx and its questions.
 * @param {string} name
 */
export function localProgram(name) {
  return fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url));
}
