import { nodeAttributes, validateWorkloads, workloadJsonSchema } from "@berth/protocol";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { generatedFiles } from "../generated-files.mjs";
import { listFiles, readText } from "./repository.ts";

const files = Object.entries(generatedFiles(workloadJsonSchema(), nodeAttributes));

test.each(files)("%s is what 'npm run generate' would write now", (file, text) => {
  expect(readText(file)).toBe(text);
});

test("every example is a workload that Berth accepts", () => {
  const examples = listFiles().filter((file) => /^examples\/.*\.ya?ml$/.test(file));
  for (const file of examples) {
    const documents = parseAllDocuments(readText(file)).map((document) => document.toJS());
    expect({ file, ...validateWorkloads(documents) }).toMatchObject({ file, ok: true });
  }
});

test("every complete workload in the documents is one that Berth accepts", () => {
  const documents = listFiles().filter((file) => file.endsWith(".md"));
  const blocks = documents.flatMap((file) =>
    [...readText(file).matchAll(/```yaml\n(kind: [\s\S]*?)```/g)].map(([, yaml = ""]) => ({
      file,
      yaml,
    })),
  );
  for (const { file, yaml } of blocks) {
    const parsed = parseAllDocuments(yaml).map((document) => document.toJS());
    expect({ file, ...validateWorkloads(parsed) }).toMatchObject({ file, ok: true });
  }
  expect(blocks.length).toBeGreaterThan(0);
});
