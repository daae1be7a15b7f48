/**
 * `npm test`: everything that must hold, from a fresh clone. Each step is one line; a failed step
 * shows its output and hides none of the later ones. The last line counts tests:
 * `N passed, N failed`, and `, N skipped` where some were.
 */
import { buildArguments, installDependencies } from "./bootstrap.mjs";
import { findBrowser } from "./find-browser.mjs";
import { localProgram, runCommand } from "./run-command.mjs";
import { clearReports, countReports } from "./test-reports.mjs";

/**
 * @typedef {object} Step
 * @property {string} title
 * @property {string} command
 * @property {readonly string[]} args
 * @property {boolean} [counted] It runs tests, which are counted; otherwise the step is one check.
 */

const startedAt = performance.now();
await installDependencies().catch((/** @type {Error} */ error) => {
  console.log(`✗ ${error.message}\n0 passed, 1 failed`);
  process.exit(1);
});

const turbo = ["--output-logs=errors-only", "--log-order=grouped", "--continue=always"];
/** @type {readonly Step[]} */
const steps = [
  { title: "build", command: localProgram("turbo"), args: buildArguments },
  { title: "format", command: localProgram("biome"), args: ["format", "."] },
  {
    title: "lint",
    command: localProgram("oxlint"),
    args: ["--type-aware", "--deny-warnings", "--quiet"],
  },
  { title: "types", command: localProgram("tsc"), args: ["-b"] },
  { title: "types of tests", command: localProgram("tsc"), args: ["-p", "tsconfig.tests.json"] },
  {
    title: "repository",
    command: localProgram("vitest"),
    args: ["run", "--config", "vitest.config.ts"],
    counted: true,
  },
  {
    title: "unit",
    command: localProgram("turbo"),
    args: ["run", "test", "--concurrency=2", ...turbo],
    counted: true,
  },
  {
    title: "integration and browser",
    command: localProgram("turbo"),
    args: ["run", "test:integration", "--concurrency=1", ...turbo],
    counted: true,
  },
];

const total = { passed: 0, failed: 0, skipped: 0 };
/** @type {Record<string, string>} */
let machine = {};
for (const step of steps) {
  if (step.title === "unit") machine = await prepareMachine();
  const counts = await run(step);
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
}
const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
console.log(`\nall steps: ${minutes} min`);
console.log(describe(total));
process.exitCode = total.failed === 0 ? 0 : 1;

/** @param {Step} step */
async function run(step) {
  const stepStartedAt = performance.now();
  clearReports();
  const { code, output } = await runCommand(step.command, step.args, {
    collect: true,
    env: machine,
  });
  const seconds = ((performance.now() - stepStartedAt) / 1000).toFixed(1);
  const counts = step.counted
    ? countReports()
    : { passed: code === 0 ? 1 : 0, failed: 0, skipped: 0 };
  // A suite that could not even start has no failed test to count.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  const mark = counts.failed === 0 ? "✓" : "✗";
  if (counts.failed > 0) console.log(output.trimEnd());
  console.log(`${mark} ${step.title.padEnd(24)} ${seconds.padStart(6)} s   ${describe(counts)}`);
  return counts;
}

/** What tests need from the machine, as variables. They are part of turbo's hash. */
async function prepareMachine() {
  const say = (/** @type {string} */ line) => console.log(`  ${line}`);
  const platform = `${process.platform} ${process.arch} node ${process.version}`;
  const alone = await findServer(1, say);
  const clustered = await findServer(3, say);
  if (!clustered) say("no nats-server new enough for a cluster: those tests are skipped");
  const browser = await findBrowser(say);
  if (!browser) say("no Chromium here: the browser tests are skipped");
  return {
    BERTH_TEST_MACHINE: `${platform} nats-server ${alone ?? "none"}, clustered ${clustered ?? "none"}`,
    ...(browser ? { BERTH_BROWSER: browser } : {}),
  };
}

/**
 * Has a server for a log of so many copies where the tests will look for it.
 *
 * @param {1 | 3} replicas
 * @param {(line: string) => void} say
 * @returns {Promise<string | null>} Its version.
 */
async function findServer(replicas, say) {
  try {
    const { ensureNatsServer, minimumVersionFor } = await import(
      "../packages/runtime/dist/nats-server/index.js"
    );
    const minimumVersion = minimumVersionFor(replicas);
    const { version } = await ensureNatsServer({ minimumVersion, onProgress: say });
    return version;
  } catch (error) {
    const hint = error instanceof Error && "hint" in error ? `. ${String(error.hint)}` : "";
    say(`${error instanceof Error ? error.message : String(error)}${hint}`);
    return null;
  }
}

/** @param {{ passed: number, failed: number, skipped: number }} counts */
function describe({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
