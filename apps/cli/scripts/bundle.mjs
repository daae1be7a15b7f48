/**
 * Bundles the command line into one CommonJS file, from source. One file because each further one
 * costs a read and a resolution at every start; CommonJS because only scripts take a V8 code cache
 * on every supported Node. What `berth up` and the services need stays outside and is loaded from
 * the workspaces' own builds when it is used.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "dist", "bundle");

const bundle = await rolldown({
  input: join(root, "src", "main.ts"),
  platform: "node",
  external: [/^@berth\/(runtime|scheduler|agent|console)/, /^node:/],
  resolve: { conditionNames: ["@berth/source", "node", "import", "default"] },
  onLog(level, log) {
    if (level === "warn") throw new Error(`bundle: ${log.message}`);
  },
});
const { output } = await bundle.generate({ format: "cjs", codeSplitting: false, exports: "named" });
await bundle.close();

const [{ code }] = output;
if (/from ["']zod|zod\/v4/.test(code.split("src/commands/validate")[0] ?? "")) {
  process.stderr.write("bundle: zod is in the part that every command loads\n");
}
const buildId = createHash("sha256").update(code).digest("hex").slice(0, 16);
await mkdir(folder, { recursive: true });
for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true });
await writeFile(join(folder, "berth.cjs"), `// build ${buildId}\n${code}`);
