/** `npm run generate`: writes the files that are made from the protocol. Run a build before. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { nodeAttributes, workloadJsonSchema } from "../packages/protocol/dist/index.js";
import { generatedFiles } from "./generated-files.mjs";
import { root } from "./run-command.mjs";

for (const [file, text] of Object.entries(generatedFiles(workloadJsonSchema(), nodeAttributes))) {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
  console.log(`wrote ${file}`);
}
