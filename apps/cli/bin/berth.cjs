#!/usr/bin/env node
/**
 * Starts the packed command line through V8's code cache: compiling it anew takes longer than
 * everything else a short command does. The cache is keyed by the pack's build id, because V8
 * itself compares lengths only, and by the Node version, whose caches no other version takes.
 * A script and not a module: Node's loader of modules alone takes 10 to 15 ms.
 */
const { readFileSync, renameSync, rmSync, writeFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { join } = require("node:path");
const { Script } = require("node:vm");

const PACK = join(__dirname, "..", "dist", "bundle", "berth.cjs");
const BUILD_ID = /^\/\/ build ([0-9a-f]{16})\n/;
const COMMANDS_MAX = 64;

const source = readPack();
const key = `${BUILD_ID.exec(source)?.[1]} ${process.version} ${process.arch}`;
const cacheFile = `${PACK}.cache`;
const cache = readCache();
const script = new Script(`(function (nodeRequire, nodeImport, __filename) {${source}})`, {
  filename: PACK,
  ...(cache === null ? {} : { cachedData: cache.data }),
});
growCache();
const { main } = script.runInThisContext()(createRequire(PACK), (id) => import(id), PACK);
void main(process.argv.slice(2));

function readPack() {
  try {
    return readFileSync(PACK, "utf8");
  } catch {
    process.stderr.write(
      "berth: not built yet. In the repository's root, run: npm install && npm run build\n",
    );
    process.exit(1);
  }
}

/** One line (key and the commands it was grown by), then V8's data; null when it is of no use. */
function readCache() {
  try {
    const bytes = readFileSync(cacheFile);
    const end = bytes.indexOf("\n");
    const [found, commands = ""] = bytes.toString("utf8", 0, end).split(": ");
    return found === key ? { commands: commands.split(","), data: bytes.subarray(end + 1) } : null;
  } catch {
    return null;
  }
}

/**
 * V8 compiles functions when they are first called, so that the first run of each command has
 * something to add: it is written down as the process ends. Best effort; a read-only installation
 * compiles each time.
 */
function growCache() {
  const command = /^[a-z]{1,20}$/.exec(process.argv[2] ?? "")?.[0] ?? "-";
  const commands = cache === null || script.cachedDataRejected ? [] : cache.commands;
  if (commands.includes(command) || commands.length >= COMMANDS_MAX) return;
  process.once("exit", () => {
    const draft = `${cacheFile}.${process.pid}`;
    try {
      const head = `${key}: ${[...commands, command].join(",")}\n`;
      writeFileSync(draft, Buffer.concat([Buffer.from(head), script.createCachedData()]));
      renameSync(draft, cacheFile);
    } catch {
      rmSync(draft, { force: true });
    }
  });
}
