import { basename } from "node:path";
import { expect, test } from "vitest";
import { listFiles, listText, readText } from "./repository.ts";

test("a source file is one noun or verb in kebab-case", () => {
  const sources = listFiles().filter((file) => /\.(ts|tsx|mjs|css)$/.test(file));
  const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*$/;
  expect(sources.filter((file) => !kebab.test(basename(file)))).toEqual([]);
});

test("no file or folder is a drawer for everything", () => {
  const drawer = /(^|[/.-])(utils?|helpers?|common|misc|manager)([/.-]|$)/;
  expect(listFiles().filter((file) => drawer.test(file))).toEqual([]);
});

test("nothing depends on the machine it was written on", () => {
  const traces = [
    /\/work\/(main|shared)\b/,
    /\/home\/[a-z]+\//,
    /\/Users\/[a-z]+\//,
    /\/tmp\/[a-z]/,
    /\bregistry\.[a-z]+/,
    /"resolved": "http/,
  ];
  const self = "scripts/tidy/names.test.ts";
  const found = listText()
    .filter((file) => file !== self)
    .flatMap((file) => {
      const text = readText(file);
      return traces.filter((trace) => trace.test(text)).map((trace) => `${file}: ${trace}`);
    });
  expect(found).toEqual([]);
});

test("no test is left out or singled out by hand", () => {
  const byHand = /\b(test|it|describe)\.(only|skip|todo|fails)\b/;
  const tests = listFiles().filter((file) => /\.test\.tsx?$/.test(file));
  expect(tests.filter((file) => byHand.test(readText(file)))).toEqual([]);
});
