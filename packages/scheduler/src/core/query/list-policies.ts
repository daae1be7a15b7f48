import {
  type ApiReply,
  DEFAULT_POOL,
  type Project,
  type ProjectName,
  type ProjectView,
  quotaDimensions,
  type ReservationView,
} from "@berth/protocol";
import { clusterCapacity } from "../queue/cluster-capacity.ts";
import { scaled } from "../queue/dominant-share.ts";
import { DEFAULT_WEIGHT, type ProjectNode, ProjectTree, UNSAID } from "../queue/project-tree.ts";
import { activeReservations, matchingNodes } from "../queue/reservations.ts";
import { byCodeUnit } from "../state/canonical-text.ts";
import type { ClusterState } from "../state/cluster-state.ts";
import type { QuotaUse } from "../state/quota-use.ts";
import type { QueryContext, QueryResult } from "./query-result.ts";
import { pendingIndexes } from "./workload-view.ts";

/** Every project that somebody configured or that has workloads, by name. */
export function listProjects({ state }: QueryContext): QueryResult<ApiReply<"project.list">> {
  const tree = new ProjectTree(state.projects.values(), state.projectUse);
  const capacity = clusterCapacity(state);
  const counts = countByProject(state);
  const names = new Set([...state.projects.keys(), ...counts.keys()]);
  const projects = [...names].sort(byCodeUnit).map((name): ProjectView => {
    const node = tree.node(name);
    return {
      ...(state.projects.get(name) ?? unconfigured(name)),
      isConfigured: state.projects.has(name),
      used: { ...node.used },
      dominant: dominantOf(node, capacity),
      ...(counts.get(name) ?? { live: 0, waiting: 0 }),
    };
  });
  return { ok: true, value: { seq: state.seq, capacity, projects } };
}

export function listPools({ state }: QueryContext): QueryResult<ApiReply<"pool.list">> {
  const nodes = new Map<string, number>();
  for (const { description } of state.nodes.values()) {
    const pool = description.pool ?? DEFAULT_POOL;
    nodes.set(pool, (nodes.get(pool) ?? 0) + 1);
  }
  const names = new Set([...state.pools.keys(), ...nodes.keys()]);
  const pools = [...names].sort(byCodeUnit).map((name) => ({
    name,
    cpuOvercommitPercent: state.pools.get(name)?.cpuOvercommitPercent ?? 100,
    nodes: nodes.get(name) ?? 0,
  }));
  return { ok: true, value: { seq: state.seq, pools } };
}

/** By the time they begin. */
export function listReservations({
  state,
  nowUnixMs,
}: QueryContext): QueryResult<ApiReply<"reservation.list">> {
  const tree = new ProjectTree(state.projects.values(), state.projectUse);
  const kept = new Map(
    activeReservations(state, tree, nowUnixMs).map((one) => [one.reservation.id, one.nodes]),
  );
  const reservations = [...state.reservations.values()]
    .sort((a, b) => a.fromUnixMs - b.fromUnixMs || byCodeUnit(a.id, b.id))
    .map((reservation): ReservationView => {
      const nodes = kept.get(reservation.id);
      const hasBegun = reservation.fromUnixMs <= nowUnixMs;
      return {
        ...reservation,
        state: nodes === undefined ? "planned" : hasBegun ? "begun" : "kept",
        nodeNames: (nodes ?? []).map(({ description }) => description.name),
        nodesMatching: matchingNodes(state, reservation).length,
      };
    });
  return { ok: true, value: { seq: state.seq, reservations } };
}

/** Of the dimension that the project uses most of. */
export function dominantOf({ used }: ProjectNode, capacity: QuotaUse): ProjectView["dominant"] {
  let dominant: ProjectView["dominant"] = { sharePpm: 0, dimension: null };
  for (const dimension of quotaDimensions) {
    if (used[dimension] === 0) continue;
    const whole = Math.max(used[dimension], capacity[dimension]);
    const sharePpm = scaled(used[dimension], 1_000_000, whole);
    if (dominant.dimension === null || sharePpm > dominant.sharePpm)
      dominant = { sharePpm, dimension };
  }
  return dominant;
}

function unconfigured(name: ProjectName): Project {
  return {
    name,
    parent: null,
    weight: DEFAULT_WEIGHT,
    guaranteed: UNSAID,
    limit: UNSAID,
    mayBorrow: true,
  };
}

function countByProject({
  workloads,
}: ClusterState): Map<ProjectName, { live: number; waiting: number }> {
  const counts = new Map<ProjectName, { live: number; waiting: number }>();
  for (const workload of workloads.values()) {
    const { project } = workload.spec;
    const known = counts.get(project) ?? { live: 0, waiting: 0 };
    counts.set(project, known);
    const { placed, running, stopping } = workload.counts;
    known.live += placed + running + stopping;
    known.waiting += pendingIndexes(workload);
  }
  return counts;
}
