import { useState } from "preact/hooks";
import type { NodeView } from "@berth/protocol";
import { liveByNode } from "../../model/bin-map.ts";
import type { ClusterModel } from "../../model/cluster-model.ts";
import { matchesFilter } from "../../model/filter.ts";
import { plural } from "../../model/format.ts";
import { nodeStatus } from "../../model/status-words.ts";
import { MeterLegend } from "../parts/meter.tsx";
import { NodeCard } from "../parts/node-card.tsx";
import { Empty } from "../parts/panel.tsx";

interface NodesProps {
  readonly model: ClusterModel;
  readonly filter: string;
}

const NODES_PER_PAGE = 24;

/** Every node as it is packed. */
export function NodesPage({ model, filter }: NodesProps) {
  const [page, setPage] = useState(0);
  const nodes = [...model.nodes.values()].filter((node) => isWanted(node, filter)).sort(byName);
  const pages = Math.max(1, Math.ceil(nodes.length / NODES_PER_PAGE));
  const at = Math.min(page, pages - 1);
  const live = liveByNode(model.allocations.values());
  return (
    <div class="page">
      <div class="page-head">
        <h1>Nodes</h1>
        <p class="summary">{plural(nodes.length, "node")}</p>
        <MeterLegend />
      </div>
      {nodes.length === 0 ? (
        <Empty title={filter === "" ? "No node has joined" : "No node matches"}>
          {filter === "" ? "Start an agent with: berth agent" : "Change or clear the filter."}
        </Empty>
      ) : (
        <div class="node-grid">
          {nodes.slice(at * NODES_PER_PAGE, (at + 1) * NODES_PER_PAGE).map((node) => (
            <NodeCard key={node.id} node={node} allocations={live.get(node.id) ?? []} />
          ))}
        </div>
      )}
      {pages > 1 ? <Pager at={at} pages={pages} onGo={setPage} /> : null}
    </div>
  );
}

interface PagerProps {
  readonly at: number;
  readonly pages: number;
  readonly onGo: (page: number) => void;
}

function Pager({ at, pages, onGo }: PagerProps) {
  return (
    <nav class="pager" aria-label="Pages of nodes">
      <button type="button" disabled={at === 0} onClick={() => onGo(at - 1)}>
        Previous
      </button>
      <span>
        {at + 1} of {pages}
      </span>
      <button type="button" disabled={at === pages - 1} onClick={() => onGo(at + 1)}>
        Next
      </button>
    </nav>
  );
}

function isWanted(node: NodeView, filter: string): boolean {
  const labels = Object.entries(node.labels).map(([key, value]) => `${key}=${value}`);
  return matchesFilter(filter, node.name, node.id, nodeStatus(node).word, ...labels);
}

function byName(a: NodeView, b: NodeView): number {
  return a.name === b.name ? a.number - b.number : a.name < b.name ? -1 : 1;
}
