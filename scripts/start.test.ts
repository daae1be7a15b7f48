import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { root } from "./run-command.mjs";

/** In place of the command line: tells what reaches it, and ends with 7 when told to. */
const FAKE_CLI = `
let signals = 0;
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    signals += 1;
    console.log(signal, signals);
    if (signal === "SIGTERM") process.exit(7);
  });
}
console.log("args", process.argv.slice(2).join(" "));
setInterval(() => {}, 1000);
`;

let folder: string;
let start: ChildProcess;
let output = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "berth-start-"));
  await mkdir(join(folder, "scripts"));
  await mkdir(join(folder, "apps", "cli", "bin"), { recursive: true });
  await copyFile(join(root, "scripts", "start.mjs"), join(folder, "scripts", "start.mjs"));
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  await writeFile(join(folder, "scripts", "bootstrap.mjs"), "export async function bootstrap() {}");
  await writeFile(join(folder, "apps", "cli", "bin", "berth.cjs"), FAKE_CLI);
  const { npm_lifecycle_event: _, ...env } = process.env;
  start = spawn(process.execPath, ["scripts/start.mjs", "--port", "8000"], { cwd: folder, env });
  output = "";
  start.stdout?.on("data", (chunk) => {
    output += String(chunk);
  });
  await told("args");
});
afterEach(async () => {
  if (start.exitCode === null) {
    start.kill("SIGTERM");
    await once(start, "exit");
  }
  await rm(folder, { recursive: true, force: true });
});

async function told(text: string): Promise<void> {
  await expect.poll(() => output, { timeout: 10_000, interval: 20 }).toContain(text);
}

test("npm start runs 'berth up' with the arguments it was given", () => {
  expect(output.trim()).toBe("args up --port 8000");
});

test("a Ctrl-C that arrives from the terminal and from npm is passed on once", async () => {
  start.kill("SIGINT");
  start.kill("SIGINT");
  await told("SIGINT 1");
  start.kill("SIGTERM");
  await told("SIGTERM 2");
});

test("the exit code is that of the command", async () => {
  start.kill("SIGTERM");
  const [code] = await once(start, "exit");
  expect(code).toBe(7);
});
