import type { PlacementExplanation } from "@berth/protocol";
import { plural } from "../../model/format.ts";
import { NodeLink } from "./references.tsx";

/** The best candidates of one placement, by score term. The first one was chosen. */
export function PlacementTable({ explanation }: { explanation: PlacementExplanation }) {
  const { candidates, nodesFeasible, nodesTotal } = explanation;
  const terms = [...new Set(candidates.flatMap((candidate) => Object.keys(candidate.terms)))];
  return (
    <div class="table-scroll">
      <table class="compact">
        <caption>
          {nodesFeasible} of {plural(nodesTotal, "node")} fit; a higher score is better
        </caption>
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col" class="number">
              Score
            </th>
            {terms.map((term) => (
              <th scope="col" class="number" key={term}>
                {term}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {candidates.map((candidate, place) => (
            <tr key={candidate.nodeId} class={place === 0 ? "chosen" : ""}>
              <th scope="row">
                <NodeLink id={candidate.nodeId} name={candidate.nodeName} />
                {place === 0 ? <span class="quiet"> chosen</span> : null}
              </th>
              <td class="number">{candidate.score}</td>
              {terms.map((term) => (
                <td class="number quiet" key={term}>
                  {candidate.terms[term] ?? 0}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
