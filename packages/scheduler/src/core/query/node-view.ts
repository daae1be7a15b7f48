import type { NodeDetail, NodeView } from "@berth/protocol";
import type { ClusterState, NodeRecord } from "../state/cluster-state.ts";
import { allocationView } from "./allocation-view.ts";

export function nodeView(node: NodeRecord): NodeView {
  const { description } = node;
  return {
    id: node.id,
    number: node.number,
    name: description.name,
    status: node.status,
    statusReason: node.statusReason,
    statusSinceUnixMs: node.statusSinceUnixMs,
    eligibility: node.eligibility,
    drain: node.drain,
    labels: description.labels,
    capacity: description.capacity,
    reserved: description.reserved,
    granted: { ...node.usage.granted },
    gpus: { total: description.hardware.gpus.length, granted: node.usage.gpus.size },
    allocations: node.live.size,
    generation: node.generation,
    bootId: description.bootId,
    agentVersion: description.agentVersion,
  };
}

/** With everything that is live there. */
export function nodeDetail(state: ClusterState, node: NodeRecord): NodeDetail {
  const allocationList = [...node.live].flatMap((id) => {
    const allocation = state.allocations.get(id);
    return allocation ? [allocationView(allocation)] : [];
  });
  return { ...nodeView(node), description: node.description, allocationList };
}
