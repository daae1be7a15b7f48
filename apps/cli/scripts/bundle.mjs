/**
 * Packs the command line into one file, from source. The bundler cuts it into chunks, so that each
 * command loads only what it needs; here the chunks become functions of one file, because every
 * further file costs a read and a resolution at each start. Scripts rather than modules, because
 * only scripts take a V8 code cache on every supported Node. What `berth up` and the services need
 * stays outside and is loaded from the workspaces' own builds.
 */
import { createHash } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const ENTRY = "berth.cjs";
/** Chunks that may hold zod: a command that validates by itself, and nothing else. */
const MAY_HOLD_ZOD = new Set(["validate.cjs"]);

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "dist", "bundle");

const bundle = await rolldown({
  input: { berth: join(root, "src", "main.ts") },
  platform: "node",
  external: [/^@berth\/(runtime|scheduler|agent|console)/, /^node:/],
  resolve: { conditionNames: ["@berth/source", "node", "import", "default"] },
  onLog(level, log) {
    if (level === "warn") throw new Error(`bundle: ${log.message}`);
  },
});
const { output } = await bundle.generate({
  format: "cjs",
  exports: "named",
  entryFileNames: "[name].cjs",
  chunkFileNames: "[name].cjs",
  minify: true,
});
await bundle.close();

const chunks = output.filter((chunk) => chunk.type === "chunk");
for (const { fileName, moduleIds } of chunks) {
  if (!MAY_HOLD_ZOD.has(fileName) && moduleIds.some((id) => id.includes("node_modules/zod/"))) {
    throw new Error(`bundle: zod got into ${fileName}, which costs each command 30 ms`);
  }
}

const modules = chunks.map(({ fileName, code }) => {
  const head = `${JSON.stringify(`./${fileName}`)}(exports, require, module)`;
  return `${head} {\n${importThroughLoader(code)}}`;
});
const code = `"use strict";
const modules = {
${modules.join(",\n")}
};
const loaded = new Map();
function load(id) {
  const known = loaded.get(id);
  if (known) return known.exports;
  const chunk = modules[id];
  if (!chunk) return nodeRequire(id);
  const module = { exports: {} };
  loaded.set(id, module);
  chunk(module.exports, load, module);
  return module.exports;
}
return load(${JSON.stringify(`./${ENTRY}`)});
`;
const buildId = createHash("sha256").update(code).digest("hex").slice(0, 16);
const draft = `${folder}.${process.pid}.new`;
await rm(draft, { recursive: true, force: true });
await mkdir(draft, { recursive: true });
await writeFile(join(draft, ENTRY), `// build ${buildId}\n${code}`);
await rm(folder, { recursive: true, force: true });
await rename(draft, folder);

/**
 * A script that comes out of a code cache has lost its way to import modules (it would need an
 * experimental option, and fails in any other process than the one that made the cache), so the
 * loader lends its own.
 */
function importThroughLoader(code) {
  const changed = code.replaceAll(/\bimport\((?=["'`]@berth\/)/g, "nodeImport(");
  const left = /^.*(?<![\w.*`])import\(.*$/m.exec(
    changed.replaceAll(/^\s*(\/\/|\*|\/\*).*$/gm, ""),
  );
  if (left) throw new Error(`bundle: an import that would fail: ${left[0].trim()}`);
  return changed;
}
