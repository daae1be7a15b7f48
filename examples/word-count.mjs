/** Counts the words of every Markdown file under a folder: `node word-count.mjs <folder>`. */
import { readdir, readFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";

const SKIPPED = new Set(["node_modules", "dist"]);
const SHOWN = 10;

const root = resolve(process.argv[2] ?? ".");
const counts = new Map();
let files = 0;
let total = 0;

for await (const file of markdownFiles(root)) {
  const words = (await readFile(file, "utf8")).toLowerCase().match(/\p{Letter}+/gu) ?? [];
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  process.stdout.write(`${String(words.length).padStart(7)}  ${relative(root, file)}\n`);
  files += 1;
  total += words.length;
}

const common = [...counts]
  .sort(([wordA, a], [wordB, b]) => b - a || (wordA < wordB ? -1 : 1))
  .slice(0, SHOWN)
  .map(([word, count]) => `${word} ${count}`);
process.stdout.write(
  `${String(total).padStart(7)}  words in ${files} files, ${counts.size} different\n`,
);
process.stdout.write(`most common: ${common.join(", ")}\n`);

async function* markdownFiles(folder) {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith(".") || SKIPPED.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* markdownFiles(path);
    else if (entry.name.endsWith(".md")) yield path;
  }
}
