import { expect, test } from "vitest";
import { parseWorkloadFile } from "./parse-workload-file.ts";
import { locateProblems } from "./workload-document.ts";

function documentsOf(text: string) {
  const { documents, problems } = parseWorkloadFile("w.yaml", text);
  expect(problems).toEqual([]);
  return documents;
}

test("each YAML document is a workload, and empty ones are none", () => {
  const documents = documentsOf("name: a\n---\n---\nname: b\n---\n");
  expect(documents.map(({ value }) => value)).toEqual([{ name: "a" }, { name: "b" }]);
});

test("a list holds one workload per item, in JSON too", () => {
  const documents = documentsOf('[{"name":"a"},\n {"name":"b"}]');
  expect(documents.map(({ value }) => value)).toEqual([{ name: "a" }, { name: "b" }]);
  expect(documents[1]?.locate(["name"])).toEqual({ line: 2, column: 3 });
});

test("JSON indented with tabs is read", () => {
  expect(documentsOf('{\n\t"name": "a",\n\t"task": { "command": ["x"] }\n}')[0]?.value).toEqual({
    name: "a",
    task: { command: ["x"] },
  });
});

test("a syntax error has its line and column", () => {
  const { documents, problems } = parseWorkloadFile("w.yaml", "name: a\ntask: [1,\n");
  expect(documents).toEqual([]);
  expect(problems[0]).toMatchObject({ file: "w.yaml", line: 3 });
});

test("a repeated key is refused where it is repeated", () => {
  const { problems } = parseWorkloadFile("w.yaml", "name: a\ncount: 1\nname: b\n");
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatchObject({ line: 3, column: 1, message: "Map keys must be unique" });
});

test("every mistake of every document is reported", () => {
  const { problems } = parseWorkloadFile("w.yaml", "a: 1\na: 2\n---\nb: 1\nb: 2\n");
  expect(problems.map(({ line }) => line)).toEqual([2, 5]);
});

test("aliases that multiply without end are refused", () => {
  const levels = ["a: &a [x, x, x, x, x, x, x, x, x]"];
  for (const [from, to] of ["ab", "bc", "cd", "de", "ef"]) {
    levels.push(`${to}: &${to} [${Array.from({ length: 9 }, () => `*${from}`).join(", ")}]`);
  }
  const { documents, problems } = parseWorkloadFile("w.yaml", levels.join("\n"));
  expect(documents).toEqual([]);
  expect(problems).toHaveLength(1);
});

test("a file without a workload says so", () => {
  expect(parseWorkloadFile("w.yaml", "# nothing\n").problems).toMatchObject([
    { line: 1, column: 1, message: "holds no workload" },
  ]);
});

test("a problem stands at its key, in block and flow style, and at list items", () => {
  const [document] = documentsOf(
    'name: a\ntask:\n  command:\n    - x\n    - ""\nresources: { cpu: 12x, memory: 1 }\n',
  );
  expect(document?.locate(["task", "command"])).toEqual({ line: 3, column: 3 });
  expect(document?.locate(["task", "command", 1])).toEqual({ line: 5, column: 7 });
  expect(document?.locate(["resources", "memory"])).toEqual({ line: 6, column: 24 });
});

test("what is missing stands at the nearest part that is there", () => {
  const [, document] = documentsOf("name: a\n---\nname: b\ntask:\n  env: {}\n");
  expect(document?.locate(["task", "command"])).toEqual({ line: 4, column: 1 });
  expect(document?.locate(["kind"])).toEqual({ line: 3, column: 1 });
});

test("the cluster's problems are sorted as one reads the files", () => {
  const documents = [
    ...parseWorkloadFile("b.yaml", "name: a\ncount: x\n").documents,
    ...parseWorkloadFile("a.yaml", "name: b\n").documents,
  ];
  const problem = { message: "wrong", value: null, suggestion: null };
  const located = locateProblems(
    [
      { ...problem, document: 1, path: ["name"] },
      { ...problem, document: 0, path: ["count"] },
      { ...problem, document: 0, path: ["name"] },
    ],
    documents,
  );
  expect(located.map(({ file, line }) => `${file}:${line}`)).toEqual([
    "b.yaml:1",
    "b.yaml:2",
    "a.yaml:1",
  ]);
});
