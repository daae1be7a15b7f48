import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { limits, timings } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { listFiles, readText, root } from "./repository.ts";

const invariants = readText("docs/invariants.md");
const tests = listFiles().filter((file) => /\.test\.tsx?$/.test(file));

/** Ids cited in titles, as `[INV3]` or `(invariant 3)`, with the files that cite them. */
function citedIds(): Map<string, string[]> {
  const cited = new Map<string, string[]>();
  for (const file of tests) {
    for (const [, id, number] of readText(file).matchAll(/\[(INV\d+)\]|\(invariant (\d+)\)/g)) {
      const name = id ?? `INV${number}`;
      cited.set(name, [...(cited.get(name) ?? []), file]);
    }
  }
  return cited;
}

describe("docs/invariants.md", () => {
  const sections = [...invariants.matchAll(/^## (INV\d+)\b.*$([\s\S]*?)(?=^## |$(?![\s\S]))/gm)];
  const ids = sections.map(([, id = ""]) => id);

  test("has every invariant that a test's title cites", () => {
    expect([...citedIds().keys()].filter((id) => !ids.includes(id))).toEqual([]);
  });

  test("has no invariant without a test, unless it says that its part is not built yet", () => {
    const cited = citedIds();
    const untested = sections
      .filter(([, id = "", text = ""]) => !cited.has(id) && !text.includes("Not built yet"))
      .map(([, id]) => id);
    expect(untested).toEqual([]);
  });
});

test("docs/limits.md has a line for every bound of the protocol, with its value", () => {
  const text = readText("docs/limits.md");
  const missing = Object.entries({ ...limits, ...timings })
    .map(([name, value]) => `| \`${name}\` | ${value.toLocaleString("en-US")} |`)
    .filter((line) => !text.includes(line));
  expect(missing).toEqual([]);
});

test("no bound is only a promise: each is used outside of where it is named", () => {
  const sources = listFiles().filter(
    (file) => /\/(src|web)\/.*\.tsx?$/.test(file) && !/(\.test\.tsx?|\/limits\.ts)$/.test(file),
  );
  const text = sources.map(readText).join("\n");
  const names = Object.keys({ ...limits, ...timings });
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([]);
});

test("links between documents lead somewhere", () => {
  const documents = listFiles().filter((file) => file.endsWith(".md"));
  const dead = documents.flatMap((file) =>
    [...readText(file).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link = ""]) => link.replace(/#.*$/, ""))
      .filter((link) => link !== "" && !/^[a-z]+:/.test(link))
      .filter((link) => !existsSync(join(root, dirname(file), link)))
      .map((link) => `${file}: ${link}`),
  );
  expect(dead).toEqual([]);
});
