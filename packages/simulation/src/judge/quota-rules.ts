import { type EventOf, quotaDimensions, splitWorkloadId, type WorkloadSpec } from "@berth/protocol";
import { type ClusterState, isFinal, type WorkloadRecord } from "@berth/scheduler/state";
import { demand } from "./violation.ts";

/** [INV7] No placement takes a project, or one above it, over its limit. */
export function checkQuota(
  state: ClusterState,
  workload: WorkloadRecord,
  { allocationId: id }: EventOf<"AllocationPlaced">,
): void {
  const excess = excessOf(state, workload.spec);
  demand(excess === null, "INV7", () => `${id} takes ${excess} over its limit`);
}

/** The project that so many more of a workload would take over its limit; null when none. */
export function excessOf(state: ClusterState, spec: WorkloadSpec, times = 1): string | null {
  const seen = new Set<string>();
  for (let name: string | null = spec.project; name !== null && !seen.has(name); ) {
    seen.add(name);
    const project = [...state.projects.values()].find((one) => one.name === name);
    if (!project) return null;
    const members = membersOf(state, name);
    for (const dimension of quotaDimensions) {
      const most = project.mayBorrow
        ? project.limit[dimension]
        : least(project.limit[dimension], project.guaranteed[dimension]);
      const asked = times * askedFor(spec)[dimension];
      if (most === null || asked === 0) continue;
      let used = 0;
      for (const { workloadId, spec: placed, status } of state.allocations.values()) {
        if (isFinal(status) || !members.has(splitWorkloadId(workloadId).project)) continue;
        used += askedFor(placed)[dimension];
      }
      if (used + asked > most) return name;
    }
    name = project.parent;
  }
  return null;
}

/** A project and everything below it. */
function membersOf({ projects }: ClusterState, name: string): Set<string> {
  const members = new Set([name]);
  for (let before = 0; before < members.size; ) {
    before = members.size;
    for (const project of projects.values()) {
      if (project.parent !== null && members.has(project.parent)) members.add(project.name);
    }
  }
  return members;
}

function askedFor({ resources }: WorkloadSpec) {
  const { cpuMillis, memoryMiB, gpu } = resources;
  return { cpuMillis, memoryMiB, gpuMillis: 1_000 * (gpu?.count ?? 0) };
}

function least(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b);
}
