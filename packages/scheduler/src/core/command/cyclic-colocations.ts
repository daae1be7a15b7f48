import { type SpecProblem, type WorkloadId, workloadId, type WorkloadSpec } from "@berth/protocol";
import type { ClusterState } from "../state/cluster-state.ts";

/**
 * Workloads that go where another one lives, which goes where they live, over any number of steps:
 * none of them could ever be the first. Told of each submitted one that is part of a circle.
 */
export function findCyclicColocations(
  state: ClusterState,
  specs: readonly WorkloadSpec[],
): SpecProblem[] {
  const submitted = new Map(specs.map((spec) => [workloadId(spec.project, spec.name), spec]));
  const companions = (id: WorkloadId) => {
    const spec = submitted.get(id) ?? state.workloads.get(id)?.spec;
    return (spec?.placement?.colocate ?? []).map(({ workload }) => workload);
  };
  return specs.flatMap((spec, document) => {
    const id = workloadId(spec.project, spec.name);
    return companions(id).flatMap((first, at) => {
      const way = wayTo(id, first, companions);
      if (!way) return [];
      return [
        {
          document,
          path: ["colocate", at, "workload"],
          message: `${[id, ...way].join(" goes with ")}: none of them could be the first`,
          value: JSON.stringify(first),
          suggestion: "let one of them be placed by itself",
        },
      ];
    });
  });
}

/** The shortest way from `start` to `target`, both included; null when there is none. */
function wayTo(
  target: WorkloadId,
  start: WorkloadId,
  companions: (id: WorkloadId) => readonly WorkloadId[],
): WorkloadId[] | null {
  const before = new Map<WorkloadId, WorkloadId | null>([[start, null]]);
  for (const id of before.keys()) {
    if (id === target) return traceBack(id, before);
    for (const next of companions(id)) if (!before.has(next)) before.set(next, id);
  }
  return null;
}

function traceBack(
  end: WorkloadId,
  before: ReadonlyMap<WorkloadId, WorkloadId | null>,
): WorkloadId[] {
  const way: WorkloadId[] = [];
  for (let id: WorkloadId | null = end; id !== null; id = before.get(id) ?? null) way.unshift(id);
  return way;
}
