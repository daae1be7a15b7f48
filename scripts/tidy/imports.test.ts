import { dirname, posix } from "node:path";
import { isBuiltin } from "node:module";
import { describe, expect, test } from "vitest";
import {
  importsOf,
  listFiles,
  listWorkspaces,
  rootDependencies,
  type Workspace,
} from "./repository.ts";

/**
 * Which of Berth's own packages each package may import: `@berth/x` for any part of it,
 * `@berth/x/part` for that part only. What is not here may import everything.
 */
const allowed: Readonly<Record<string, readonly string[]>> = {
  "packages/protocol": [],
  "packages/runtime": ["@berth/protocol"],
  "packages/scheduler": ["@berth/protocol", "@berth/runtime"],
  "packages/agent": ["@berth/protocol", "@berth/runtime"],
  // The gateway is a read replica: the pure state, and how to come to it.
  "apps/console": [
    "@berth/protocol",
    "@berth/runtime",
    "@berth/scheduler/recovery",
    "@berth/scheduler/state",
  ],
};
/** Pure code: no adapter of a port, no Node, no package that does input or output. */
const cores = ["packages/scheduler/src/core/", "packages/agent/src/core/"];
const allowedInCore = [
  "@berth/protocol",
  "@berth/runtime/assert",
  "@berth/runtime/ports",
  "fastest-levenshtein", // pure
];

const workspaces = listWorkspaces();
const sources = listFiles().filter((file) => /\.(ts|tsx|mjs|js)$/.test(file));

function isTest(file: string): boolean {
  return /\.test\.tsx?$|\/test\/|vitest[^/]*\.config\.ts$/.test(file);
}

function workspaceOf(file: string): Workspace | undefined {
  return workspaces.find(({ folder }) => file.startsWith(`${folder}/`));
}

/** `file imports x`, for each import of each source for which `isWrong` holds. */
function findImports(isWrong: (file: string, from: string) => boolean, among = sources): string[] {
  return among.flatMap((file) =>
    importsOf(file)
      .filter((from) => isWrong(file, from))
      .map((from) => `${file} imports ${from}`),
  );
}

function packageOf(from: string): string {
  return from.split("/", from.startsWith("@") ? 2 : 1).join("/");
}

function isWithin(from: string, permitted: readonly string[]): boolean {
  return permitted.some((prefix) => from === prefix || from.startsWith(`${prefix}/`));
}

describe("imports", () => {
  test("go one way: apps to scheduler and agent, those to runtime, that to protocol", () => {
    const wrong = findImports((file, from) => {
      if (!from.startsWith("@berth/") || isTest(file)) return false;
      const workspace = workspaceOf(file);
      const permitted = workspace && allowed[workspace.folder];
      return permitted !== undefined && !isWithin(from, [...permitted, workspace?.name ?? ""]);
    });
    expect(wrong).toEqual([]);
  });

  test("of a core are pure: protocol, assertions, port types and the core itself", () => {
    const inCore = sources.filter((file) => cores.some((core) => file.startsWith(core)));
    const wrong = findImports((file, from) => {
      if (isTest(file)) return false;
      if (!from.startsWith(".")) return !isWithin(from, allowedInCore);
      const core = cores.find((prefix) => file.startsWith(prefix)) ?? "";
      return !posix.join(dirname(file), from).startsWith(core);
    }, inCore);
    expect(wrong).toEqual([]);
  });

  test("never reach into another package by a relative path", () => {
    const wrong = findImports((file, from) => {
      const workspace = workspaceOf(file);
      if (!from.startsWith(".") || workspace === undefined) return false;
      const target = posix.join(dirname(file), from);
      return !target.startsWith(`${workspace.folder}/`) && target !== "vitest.shared.ts";
    });
    expect(wrong).toEqual([]);
  });

  test("name only what the package declares; tests may use the repository's tools too", () => {
    const tools = rootDependencies();
    const wrong = findImports((file, from) => {
      const workspace = workspaceOf(file);
      if (from.startsWith(".") || from.startsWith("virtual:") || isBuiltin(from)) return false;
      const name = packageOf(from);
      if (workspace === undefined) return !(name in tools || name.startsWith("@berth/"));
      if (name === workspace.name || name in workspace.dependencies) return false;
      const isTool = isTest(file) || /(vite\.config\.ts|\/(web|bench|scripts)\/)/.test(`/${file}`);
      return !(isTool && (name in tools || name in workspace.devDependencies));
    });
    expect(wrong).toEqual([]);
  });
});

test("versions of what others publish are exact", () => {
  const loose = workspaces.flatMap(({ folder, dependencies, devDependencies }) =>
    Object.entries({ ...dependencies, ...devDependencies })
      .filter(([name]) => !name.startsWith("@berth/"))
      .filter(([, range]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(range))
      .map(([name, range]) => `${folder}: ${name} ${range}`),
  );
  expect(loose).toEqual([]);
});
