import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run-command.mjs";

/**
 * Vitest's JSON reports: each package writes its own into its folder `reports/`.
 *
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 * @typedef {{ name: string, status: string, assertionResults: { status: string }[] }} FileReport
 */

/** So that nothing an earlier step or run left is counted. */
export function clearReports() {
  for (const folder of reportFolders()) rmSync(folder, { recursive: true, force: true });
}

/** @returns {Counts} */
export function countReports() {
  /** @type {Map<string, FileReport>} */
  const files = new Map();
  for (const folder of reportFolders().filter((folder) => existsSync(folder))) {
    for (const name of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
      const report = JSON.parse(readFileSync(join(folder, name), "utf8"));
      for (const file of report.testResults ?? []) files.set(file.name, file);
    }
  }
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const file of files.values()) addFile(counts, file);
  return counts;
}

/** @param {Counts} counts @param {FileReport} file */
function addFile(counts, file) {
  const failedBefore = counts.failed;
  for (const { status } of file.assertionResults) {
    if (status === "passed") counts.passed += 1;
    else if (status === "failed") counts.failed += 1;
    else counts.skipped += 1;
  }
  // It failed outside of its tests: on import, or in a hook.
  if (file.status === "failed" && counts.failed === failedBefore) counts.failed += 1;
}

function reportFolders() {
  const grouped = ["packages", "apps"].flatMap((group) =>
    readdirSync(join(root, group)).map((name) => join(group, name)),
  );
  return [".", "e2e", "bench", ...grouped].map((folder) => join(root, folder, "reports"));
}
