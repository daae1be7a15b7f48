import type { Candidate } from "@berth/protocol";
import { type Column, renderTable } from "./table.ts";
import type { TextStream } from "./terminal.ts";

/** The nodes that were best, with every term of their scores side by side; indented. */
export function candidateTable(
  stream: TextStream,
  candidates: readonly Candidate[],
  indent: string,
): string {
  const table = renderTable(stream, columnsOf(candidates), candidates);
  return `${table.trimEnd().replaceAll(/^/gm, indent)}\n`;
}

function columnsOf(candidates: readonly Candidate[]): Column<Candidate>[] {
  const terms = new Set(candidates.flatMap((candidate) => Object.keys(candidate.terms)));
  return [
    { title: "NODE", value: ({ nodeName }) => nodeName },
    { title: "SCORE", value: ({ score }) => String(score), align: "right" },
    ...[...terms].map(
      (term): Column<Candidate> => ({
        title: term.toUpperCase(),
        value: (candidate) => String(candidate.terms[term] ?? 0),
        align: "right",
      }),
    ),
  ];
}
