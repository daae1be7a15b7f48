import type { ApiRequest, SpecProblem } from "@berth/protocol";

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** What a file may hold, not validated yet. */
export type WorkloadValue = ApiRequest<"workload.apply">["workloads"][number];

/** One workload of a file, and where each part of it stands there. */
export interface WorkloadDocument {
  readonly file: string;
  readonly value: WorkloadValue;
  /** The place of a path: of its key where it is one of a map's, of the nearest part above else. */
  locate(path: readonly (string | number)[]): Position;
}

/** A problem in the words of the person who wrote the file. */
export interface FileProblem extends Position {
  readonly file: string;
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly value: string | null;
  readonly suggestion: string | null;
}

/** The leader's problems, at their places in the files; sorted as one reads. */
export function locateProblems(
  problems: readonly SpecProblem[],
  documents: readonly WorkloadDocument[],
): FileProblem[] {
  const order = new Map(documents.map(({ file }, index) => [file, index]));
  return problems
    .map(({ document, path, message, value, suggestion }) => {
      const source = documents[document];
      const position = source?.locate(path) ?? { line: 1, column: 1 };
      return { file: source?.file ?? "", ...position, path, message, value, suggestion };
    })
    .toSorted(
      (a, b) =>
        (order.get(a.file) ?? 0) - (order.get(b.file) ?? 0) ||
        a.line - b.line ||
        a.column - b.column,
    );
}
