import {
  type Colocation,
  type Constraint,
  type Distinct,
  type GpuRequest,
  type MediaClass,
  parseConstraint,
  type ResourceAmounts,
  rulesOf,
  type Spread,
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
  /** Null: of whatever class. */
  readonly diskClass: MediaClass | null;
  /** Counted devices, by name. */
  readonly devices: readonly (readonly [name: string, count: number])[];
  readonly numa: "prefer" | "require" | null;
  readonly exclusiveCores: boolean;
  readonly staticPorts: readonly (readonly [name: string, port: number])[];
  readonly dynamicPorts: readonly string[];
  readonly constraints: readonly { readonly source: string; readonly constraint: Constraint }[];
  /** Null: any pool. */
  readonly pool: string | null;
  readonly tolerations: readonly string[];
  readonly affinities: readonly Leaning[];
  readonly spread: readonly Spread[];
  readonly distinct: readonly Distinct[];
  readonly colocate: readonly Colocation[];
  /** MiB of its data by the name of the node that they are near. */
  readonly locality: Readonly<Record<string, number>>;
  /** How many of it there will be: what shares of a spread are shares of. */
  readonly count: number;
}

/** An affinity, its expression parsed. */
export interface Leaning {
  readonly source: string;
  readonly constraint: Constraint;
  readonly weight: number;
}

const requests = new WeakMap<WorkloadSpec, PlacementRequest>();

/** Made once per spec: constraints are parsed here and nowhere later. */
export function placementRequest(spec: WorkloadSpec): PlacementRequest {
  const known = requests.get(spec);
  if (known) return known;
  const request = newPlacementRequest(spec);
  requests.set(spec, request);
  return request;
}

/** For callers that ask once for each spec, or keep what they were given. */
export function newPlacementRequest(spec: WorkloadSpec): PlacementRequest {
  const { gpu, diskClass, devices, numa, exclusiveCores } = spec.resources;
  const { cpuMillis, memoryMiB, diskMiB, networkMbps } = spec.resources;
  const { affinities, ...rules } = rulesOf(spec);
  const staticPorts: [string, number][] = [];
  const dynamicPorts: string[] = [];
  for (const [name, port] of Object.entries(spec.ports).sort(([a], [b]) => byCodeUnit(a, b))) {
    if (port.static === null) dynamicPorts.push(name);
    else staticPorts.push([name, port.static]);
  }
  return {
    kind: spec.kind,
    driver: spec.task.driver,
    amounts: { cpuMillis, memoryMiB, diskMiB, networkMbps },
    gpu: gpu && { ...gpu, models: gpu.models.map((model) => model.toLowerCase()) },
    diskClass: diskClass ?? null,
    devices: Object.entries(devices ?? {}).sort(([a], [b]) => byCodeUnit(a, b)),
    numa: numa ?? null,
    exclusiveCores: exclusiveCores ?? false,
    staticPorts,
    dynamicPorts,
    constraints: spec.constraints.map((source) => ({ source, constraint: parsed(source) })),
    pool: rules.pool,
    tolerations: rules.tolerations,
    affinities: affinities.map(({ expression, weight }) => ({
      source: expression,
      constraint: parsed(expression),
      weight,
    })),
    spread: rules.spread,
    distinct: rules.distinct,
    colocate: rules.colocate,
    locality: rules.locality,
    count: spec.kind === "system" ? 1 : spec.count,
  };
}

function parsed(source: string): Constraint {
  const result = parseConstraint(source);
  assert(result.ok, `constraint '${source}' was accepted and cannot be parsed`);
  return result.constraint;
}
