import { AllocationId, type WorkloadId } from "@berth/protocol";
import type {
  AllocationRecord,
  ClusterState,
  NodeRecord,
  WorkloadRecord,
} from "../state/cluster-state.ts";
import { nearNames } from "./near-names.ts";
import { type Refused, refuse } from "./refusal.ts";

type Found<T> = { readonly ok: true; readonly value: T } | Refused;

const PREFIX_LENGTH_MIN = 4;

/** A workload by `project/name`, or by its name in project `default`. */
export function findWorkload(state: ClusterState, selector: string): Found<WorkloadRecord> {
  const workload = state.workloads.get(fullWorkloadId(selector));
  if (workload) return { ok: true, value: workload };
  const ids = [...state.workloads.keys()];
  const name = selector.slice(selector.indexOf("/") + 1);
  const elsewhere = ids.filter((id) => id.endsWith(`/${name}`));
  const near = elsewhere.length > 0 ? elsewhere : nearNames(selector, ids.map(shortWorkloadId));
  return notFound("workload", selector, near, "`berth ls` lists the workloads");
}

export function fullWorkloadId(selector: string): WorkloadId {
  return (selector.includes("/") ? selector : `default/${selector}`) as WorkloadId;
}

/** A node by its id, its name, or the beginning of its id when that is one node's alone. */
export function findNode(state: ClusterState, selector: string): Found<NodeRecord> {
  const nodes = [...state.nodes.values()];
  const exact = nodes.find(({ id }) => id === selector);
  if (exact) return { ok: true, value: exact };
  const named = nodes.filter(({ description }) => description.name === selector);
  const prefixed =
    selector.length >= PREFIX_LENGTH_MIN ? nodes.filter(({ id }) => id.startsWith(selector)) : [];
  const matches = named.length > 0 ? named : prefixed;
  const [node] = matches;
  if (!node) {
    const names = nodes.map(({ description }) => description.name);
    return notFound(
      "node",
      selector,
      nearNames(selector, names),
      "`berth node ls` lists the nodes",
    );
  }
  if (matches.length === 1) return { ok: true, value: node };
  const candidates = matches.map(({ id, description }) => `${description.name} (${id})`);
  return refuse("conflict", `${matches.length} nodes are called '${selector}'`, {
    hint: `use an id: ${candidates.join(", ")}`,
    details: { candidates: matches.map(({ id }) => id) },
  });
}

export function findAllocation(state: ClusterState, selector: string): Found<AllocationRecord> {
  const id = AllocationId.safeParse(selector);
  const allocation = id.success ? state.allocations.get(id.data) : undefined;
  if (allocation) return { ok: true, value: allocation };
  return notFound("allocation", selector, [], "`berth show <workload>` lists its allocations");
}

function shortWorkloadId(id: WorkloadId): string {
  return id.startsWith("default/") ? id.slice("default/".length) : id;
}

function notFound(kind: string, selector: string, near: string[], otherwise: string): Refused {
  const [best] = near;
  return refuse("not_found", `there is no ${kind} '${selector}'`, {
    hint: best === undefined ? otherwise : `did you mean '${best}'?`,
    details: { near },
  });
}
