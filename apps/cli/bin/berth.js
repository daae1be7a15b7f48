#!/usr/bin/env node
/**
 * Starts the bundled command line through V8's code cache: compiling the bundle anew takes longer
 * than everything else a short command does. The cache is keyed by the bundle's build id, because
 * V8 itself compares lengths only, and by the Node version, whose caches no other version takes.
 */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { constants, Script } from "node:vm";

const BUNDLE = new URL("../dist/bundle/berth.cjs", import.meta.url);
const BUILD_ID = /^\/\/ build ([0-9a-f]{16})$/m;

const source = readBundle();
const folder = new URL(".", BUNDLE);
const cacheName = `${BUILD_ID.exec(source.slice(0, 64))?.[1]}-${process.version}-${process.arch}.cache`;
const cachedData = readCache(new URL(cacheName, folder));
const script = new Script(`(function (exports, require, module, __filename) {${source}\n})`, {
  filename: BUNDLE.pathname,
  ...(cachedData === undefined ? {} : { cachedData }),
  importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});
if (cachedData === undefined || script.cachedDataRejected) process.once("exit", writeCache);

const module = { exports: {} };
script.runInThisContext()(module.exports, createRequire(BUNDLE), module, BUNDLE.pathname);
await module.exports.main(process.argv.slice(2));

function readBundle() {
  try {
    return readFileSync(BUNDLE, "utf8");
  } catch {
    process.stderr.write(
      "berth: not built yet. In the repository's root, run: npm install && npm run build\n",
    );
    process.exit(1);
  }
}

function readCache(file) {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

/** At the end of the first run, so that it holds what a run really uses. Best effort. */
function writeCache() {
  try {
    for (const name of readdirSync(folder)) {
      if (name.endsWith(".cache")) rmSync(new URL(name, folder), { force: true });
    }
    const draft = new URL(`${cacheName}.${process.pid}`, folder);
    writeFileSync(draft, script.createCachedData());
    renameSync(draft, new URL(cacheName, folder));
  } catch {
    // A read-only installation compiles each time.
  }
}
