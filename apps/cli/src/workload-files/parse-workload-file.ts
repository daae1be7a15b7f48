import {
  type Document,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
} from "yaml";
import type {
  FileProblem,
  Position,
  WorkloadDocument,
  WorkloadValue,
} from "./workload-document.ts";

export interface ParsedFile {
  readonly documents: readonly WorkloadDocument[];
  readonly problems: readonly FileProblem[];
}

/**
 * Reads a file of YAML documents, or of JSON, which is YAML too: one parser gives both positions
 * and refuses repeated keys. A document that is a list holds one workload per item.
 */
export function parseWorkloadFile(file: string, text: string): ParsedFile {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  const sources = Array.isArray(parsed) ? (parsed as Document.Parsed[]) : [];
  const problems = sources.flatMap(({ errors, warnings }) =>
    [...errors, ...warnings].map(({ message, pos }) =>
      problemAt(file, positionAt(lines, pos[0]), message),
    ),
  );
  if (problems.length > 0) return { documents: [], problems };
  const documents: WorkloadDocument[] = [];
  for (const source of sources) {
    try {
      documents.push(...workloadsOf(file, source, lines));
    } catch (cause) {
      // Aliases that refer to nothing, or that multiply without end.
      const message = cause instanceof Error ? cause.message : String(cause);
      return {
        documents: [],
        problems: [problemAt(file, positionAt(lines, source.range[0]), message)],
      };
    }
  }
  if (documents.length > 0) return { documents, problems: [] };
  return {
    documents: [],
    problems: [problemAt(file, { line: 1, column: 1 }, "holds no workload")],
  };
}

function workloadsOf(
  file: string,
  source: Document.Parsed,
  lines: LineCounter,
): WorkloadDocument[] {
  const value = source.toJS() as WorkloadValue | undefined;
  if (value === null || value === undefined) return [];
  const locate = (path: readonly (string | number)[]) => positionAt(lines, offsetOf(source, path));
  if (!Array.isArray(value)) return [{ file, value, locate }];
  return value.map((item, index) => ({
    file,
    value: item,
    locate: (path) => locate([index, ...path]),
  }));
}

/** Follows the path as far as the document has it. */
function offsetOf(source: Document.Parsed, path: readonly (string | number)[]): number {
  let node: unknown = source.contents;
  let offset = startOf(node) ?? source.range[0];
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && keyText(item.key) === String(key));
      if (!pair) return offset;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof key === "number") {
      node = node.items[key];
      offset = startOf(node) ?? offset;
    } else {
      return offset;
    }
  }
  return offset;
}

function keyText(key: unknown): string {
  return String(isScalar(key) ? key.value : key);
}

function startOf(node: unknown): number | null {
  return isNode(node) ? ((node as Node).range?.[0] ?? null) : null;
}

function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function problemAt(file: string, position: Position, message: string): FileProblem {
  return { file, ...position, path: [], message, value: null, suggestion: null };
}
