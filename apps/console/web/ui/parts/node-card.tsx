import type { AllocationView, NodeView } from "@berth/protocol";
import { formatAge, plural } from "../../model/format.ts";
import { nodeStatus } from "../../model/status-words.ts";
import { beatAgeMs } from "../../model/telemetry-model.ts";
import { useStore } from "../store-context.ts";
import { BinMap } from "./bin-map.tsx";
import { NodeLink } from "./references.tsx";
import { Status } from "./status.tsx";

/** One node among others, as it is packed. */
export function NodeCard({
  node,
  allocations,
}: {
  node: NodeView;
  allocations: readonly AllocationView[];
}) {
  return (
    <article
      class={`panel node-card ${node.status === "down" ? "node-down" : ""}`}
      aria-label={node.name}
    >
      <header class="panel-head">
        <h2>
          <NodeLink id={node.id} name={node.name} />
        </h2>
        <Status status={nodeStatus(node)} />
        <div class="panel-note">
          {plural(node.allocations, "allocation")} · <BeatAge node={node} />
        </div>
      </header>
      <div class="panel-body">
        <BinMap node={node} allocations={allocations} />
      </div>
    </article>
  );
}

/** When the node was last heard: an age, or that it never was. */
export function BeatAge({ node }: { node: NodeView }) {
  const { telemetry, now } = useStore();
  const ageMs = beatAgeMs(telemetry.value.get(node.id), now.value.ms);
  if (ageMs === null) return <span class="unknown">not heard</span>;
  return <span>beat {formatAge(ageMs)}</span>;
}
