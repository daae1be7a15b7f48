import {
  describeNoFit,
  describeSmallerFit,
  limits,
  type NoFit,
  parseConstraint,
  type RejectionCode,
  type SmallerFit,
  type SpecWarning,
  workloadId,
  type WorkloadSpec,
} from "@berth/protocol";
import { everyLack } from "../place/check-node.ts";
import { nodeAttribute } from "../place/node-attribute.ts";
import { type PlacementRequest, placementRequest } from "../place/placement-request.ts";
import { nearNames } from "../select/near-names.ts";
import type { ClusterState, NodeRecord } from "../state/cluster-state.ts";
import { unused } from "../state/node-usage.ts";
import { explainNoFit } from "./no-fit.ts";

/**
 * What its author would want to know of a workload that is accepted and right in itself: that no
 * node could hold it even if it were empty, that no node has a label it speaks of, that what it
 * goes with does not exist. Nodes and workloads may come later, so none of this is refused.
 *
 * One for each spec of a submission. Looks at nodes until one would do, which is mostly the first;
 * a submission of hopeless work is told of the first ones.
 */
export function warningsOf(
  state: ClusterState,
  specs: readonly WorkloadSpec[],
): readonly SpecWarning[][] {
  const nodes = new NodeLooks([...state.nodes.values()]);
  const submitted = new Set(specs.map(({ project, name }) => workloadId(project, name)));
  return specs.map((spec) =>
    nodes.isEmpty
      ? []
      : [
          ...unknownLabels(nodes, spec),
          ...unknownCompanions(state, submitted, spec),
          ...tooLarge(nodes, spec),
        ],
  );
}

/** The nodes, of which only so many are looked at for one submission. */
class NodeLooks {
  readonly all: readonly NodeRecord[];
  #left: number = limits.warningNodesMax;

  constructor(all: readonly NodeRecord[]) {
    this.all = all;
  }

  get isEmpty(): boolean {
    return this.all.length === 0;
  }

  /** Whether any will do; true as well when there were too many to tell. */
  some(wouldDo: (node: NodeRecord) => boolean): boolean {
    for (const node of this.all) {
      this.#left -= 1;
      if (this.#left < 0 || wouldDo(node)) return true;
    }
    return false;
  }
}

const NO_USAGE = unused();
const usages = { usageOf: () => NO_USAGE };

function tooLarge(nodes: NodeLooks, spec: WorkloadSpec): SpecWarning[] {
  const request = { ...placementRequest(spec), distinct: [], colocate: [] };
  if (nodes.some((node) => everyLack(request, asIdle(node), NO_USAGE).length === 0)) return [];
  const noFit = explainNoFit(request, nodes.all.map(asIdle), usages);
  const [smaller] = noFit.smaller ?? [];
  return [
    {
      path: smaller ? ["resources", fields[smaller.dimension]] : pathOf(noFit, request),
      message: `${describeNoFit(noFit)}, even when ${noFit.nodesTotal === 1 ? "it is" : "they are"} empty`,
      suggestion: smaller ? describeSmallerFit(smaller) : null,
    },
  ];
}

/** As it will be again: a node that is away or drained today may hold it tomorrow. */
function asIdle(node: NodeRecord): NodeRecord {
  return { ...node, status: "ready", drain: null, eligibility: "eligible" };
}

const fields: Readonly<Record<SmallerFit["dimension"], string>> = {
  cpuMillis: "cpu",
  memoryMiB: "memory",
  diskMiB: "disk",
  networkMbps: "network",
  gpuCount: "gpu",
};

const paths: Partial<Readonly<Record<RejectionCode, SpecWarning["path"]>>> = {
  pool: ["pool"],
  taint: ["tolerations"],
  "driver.unavailable": ["task", "driver"],
  "gpu.model": ["resources", "gpu"],
  "gpu.capacity": ["resources", "gpu"],
  "gpu.health": ["resources", "gpu"],
  "device.capacity": ["resources", "devices"],
  "disk.class": ["resources", "diskClass"],
  "numa.capacity": ["resources", "numa"],
};

/** The field that keeps it off most nodes. */
function pathOf({ rejections }: NoFit, request: PlacementRequest): SpecWarning["path"] {
  const [worst] = rejections.toSorted((a, b) => b.nodes - a.nodes);
  if (!worst) return [];
  if (worst.code !== "constraint") return paths[worst.code] ?? ["resources"];
  const at = request.constraints.findIndex(({ source }) => source === worst.subject);
  return at < 0 ? ["constraints"] : ["constraints", at];
}

function unknownLabels(nodes: NodeLooks, spec: WorkloadSpec): SpecWarning[] {
  return pathsNamed(spec).flatMap(({ path, attribute }) => {
    if (!/^node\.(labels|meta)\./.test(attribute)) return [];
    if (nodes.some(({ description }) => nodeAttribute(description, attribute) !== undefined)) {
      return [];
    }
    const [near] = nearNames(attribute, nodes.all.flatMap(labelPaths));
    const suggestion = near === undefined ? null : `did you mean '${near}'?`;
    return [{ path, message: `no node has ${attribute}`, suggestion }];
  });
}

function labelPaths({ description }: NodeRecord): string[] {
  const { labels, meta } = description;
  return [
    ...Object.keys(labels).map((key) => `node.labels.${key}`),
    ...Object.keys(meta).map((key) => `node.meta.${key}`),
  ];
}

interface Named {
  readonly path: SpecWarning["path"];
  readonly attribute: string;
}

function pathsNamed({ constraints, placement = {} }: WorkloadSpec): Named[] {
  const { affinities = [], spread = [], distinct = [], colocate = [] } = placement;
  const by = (field: string, rules: readonly { by: string }[]) =>
    rules.map((rule, at) => ({ path: [field, at, "by"], attribute: rule.by }));
  return [
    ...constraints.flatMap((source, at) => namedIn(source, ["constraints", at])),
    ...affinities.flatMap(({ expression }, at) =>
      namedIn(expression, ["affinities", at, "expression"]),
    ),
    ...by("spread", spread),
    ...by("distinct", distinct),
    ...by("colocate", colocate),
  ];
}

function namedIn(source: string, path: SpecWarning["path"]): Named[] {
  const parsed = parseConstraint(source);
  return parsed.ok ? [...new Set(parsed.paths)].map((attribute) => ({ path, attribute })) : [];
}

function unknownCompanions(
  state: ClusterState,
  submitted: ReadonlySet<string>,
  { placement }: WorkloadSpec,
): SpecWarning[] {
  return (placement?.colocate ?? []).flatMap(({ workload }, at) => {
    if (submitted.has(workload) || state.workloads.has(workload)) return [];
    const [near] = nearNames(workload, state.workloads.keys());
    return [
      {
        path: ["colocate", at, "workload"],
        message: `there is no ${workload}: this waits until something of it runs`,
        suggestion: near === undefined ? null : `did you mean '${near}'?`,
      },
    ];
  });
}
