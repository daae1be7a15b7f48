import {
  type Constraint,
  type GpuRequest,
  parseConstraint,
  type ResourceAmounts,
  type WorkloadSpec,
} from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { byCodeUnit } from "../state/canonical-text.ts";

/** What each allocation of a workload asks of a node: the same for every index. */
export interface PlacementRequest {
  readonly kind: WorkloadSpec["kind"];
  readonly driver: string;
  readonly amounts: ResourceAmounts;
  /** Model parts in lower case. */
  readonly gpu: GpuRequest | null;
  readonly staticPorts: readonly (readonly [name: string, port: number])[];
  readonly dynamicPorts: readonly string[];
  readonly constraints: readonly { readonly source: string; readonly constraint: Constraint }[];
}

const requests = new WeakMap<WorkloadSpec, PlacementRequest>();

/** Made once per spec: constraints are parsed here and nowhere later. */
export function placementRequest(spec: WorkloadSpec): PlacementRequest {
  const known = requests.get(spec);
  if (known) return known;
  const request = requestOf(spec);
  requests.set(spec, request);
  return request;
}

function requestOf(spec: WorkloadSpec): PlacementRequest {
  const { gpu, ...amounts } = spec.resources;
  const staticPorts: [string, number][] = [];
  const dynamicPorts: string[] = [];
  for (const [name, port] of Object.entries(spec.ports).sort(([a], [b]) => byCodeUnit(a, b))) {
    if (port.static === null) dynamicPorts.push(name);
    else staticPorts.push([name, port.static]);
  }
  return {
    kind: spec.kind,
    driver: spec.task.driver,
    amounts,
    gpu: gpu && { ...gpu, models: gpu.models.map((model) => model.toLowerCase()) },
    staticPorts,
    dynamicPorts,
    constraints: spec.constraints.map((source) => {
      const parsed = parseConstraint(source);
      assert(parsed.ok, `constraint '${source}' was accepted and cannot be parsed`);
      return { source, constraint: parsed.constraint };
    }),
  };
}
