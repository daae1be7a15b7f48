import { readdirSync, readFileSync } from "node:fs";
import { extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** Made by tools, or not ours. */
const SKIPPED = /^(node_modules|dist|reports|coverage|\.git|\.turbo|\.cache|\.berth.*)$/;
const TEXT = /^\.(ts|tsx|mjs|js|json|md|yaml|yml|css|html|sh|svg)?$/;

/** Every file of the repository that people write, as paths from its root with forward slashes. */
export function listFiles(folder = root): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.test(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return listFiles(path);
    return entry.isFile() ? [relative(root, path).replaceAll("\\", "/")] : [];
  });
}

export function listText(): string[] {
  return listFiles().filter((file) => TEXT.test(`.${extname(file).slice(1)}`));
}

export function readText(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

export interface Workspace {
  /** Such as `packages/agent`. */
  readonly folder: string;
  readonly name: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

export function listWorkspaces(): Workspace[] {
  return listFiles()
    .filter((file) => file.endsWith("/package.json"))
    .map((file) => {
      const { name, dependencies = {}, devDependencies = {} } = JSON.parse(readText(file));
      return { folder: file.replace("/package.json", ""), name, dependencies, devDependencies };
    });
}

export function rootDependencies(): Record<string, string> {
  return JSON.parse(readText("package.json")).devDependencies;
}

/** What a module imports or re-exports, types included, in the order of the file. */
export function importsOf(file: string): string[] {
  const text = readText(file);
  const statements = /^\s*(?:import|export)\s+(?:[^"';]*?\sfrom\s+)?["']([^"']+)["']/gm;
  const calls = /\bimport\(\s*["']([^"']+)["']/g;
  return [...text.matchAll(statements), ...text.matchAll(calls)].flatMap(([, from]) => from ?? []);
}
