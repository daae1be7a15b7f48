import { createRequire } from "node:module";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** This package's folder, found alike from source, from its build and from the packed file. */
const packageFolder = findPackage(dirname(fileURLToPath(import.meta.url)));

export const paths = {
  /** What `npx berth` runs. */
  executable: join(packageFolder, "bin", "berth.cjs"),
  examples: join(dirname(dirname(packageFolder)), "examples"),
} as const;

/** What a part of the cluster is started from: each has its `main.js` beside its entry point. */
export function mainOf(part: "scheduler" | "agent" | "gateway"): string {
  const name = part === "gateway" ? "console" : part;
  return join(dirname(createRequire(import.meta.url).resolve(`@berth/${name}`)), "main.js");
}

function findPackage(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest) && /"name": "@berth\/cli"/.test(readFileSync(manifest, "utf8"))) {
      return folder;
    }
    if (folder === dirname(folder)) throw new Error("the files of @berth/cli are incomplete");
  }
}
