import type { NodeId, WorkloadId } from "@berth/protocol";
import { allocationHref, nodeHref, workloadHref } from "../../model/route.ts";
import { preferredColour } from "../../model/workload-colours.ts";
import { useStore } from "../store-context.ts";

/** A workload by name, with its colour. The default project goes without saying. */
export function WorkloadLink({ id, index }: { id: WorkloadId; index?: number }) {
  const { colours } = useStore();
  const colour = colours.value.get(id) ?? preferredColour(id);
  const name = id.startsWith("default/") ? id.slice("default/".length) : id;
  return (
    <a class="reference" href={workloadHref(id)} title={id}>
      <span class={`chip workload-${colour}`} aria-hidden="true" />
      <span class="reference-name">{name}</span>
      {index === undefined ? null : <span class="quiet">[{index}]</span>}
    </a>
  );
}

export function AllocationLink({ id }: { id: string }) {
  return (
    <a class="reference mono" href={allocationHref(id)}>
      {id}
    </a>
  );
}

export function NodeLink({ id, name }: { id: NodeId; name: string }) {
  return (
    <a class="reference" href={nodeHref(id)} title={id}>
      <span class="reference-name">{name}</span>
    </a>
  );
}
