import {
  type ApiParams,
  type ApiReply,
  bandOf,
  type PendingExplanation,
  type PendingGroup,
  priorityBands,
  type QueueEntry,
} from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { clusterCapacity } from "../queue/cluster-capacity.ts";
import { FairQueue, type ProjectItem } from "../queue/fair-queue.ts";
import { ProjectTree } from "../queue/project-tree.ts";
import type { ClusterState, WorkloadRecord } from "../state/cluster-state.ts";
import { quotaUseOf } from "../state/quota-use.ts";
import { dominantOf } from "./list-policies.ts";
import { takePage } from "./page.ts";
import type { QueryContext, QueryResult } from "./query-result.ts";

interface Item extends ProjectItem {
  readonly workload: WorkloadRecord;
  readonly groups: readonly PendingGroup[];
}

/**
 * Workloads of which something waits for its turn, in the order in which they would get it if each
 * were given all it asks for. What waits for itself (a backoff, an update) is not in line.
 */
export function listQueue(
  { state, replyBytesMax }: QueryContext,
  { project, after, limit }: ApiParams<"queue.list">,
): QueryResult<ApiReply<"queue.list">> {
  const entries = entriesOf(state).filter((entry) => project === null || entry.project === project);
  const following = entries.filter(({ position }) => position > (after ?? 0));
  const { views, more } = takePage(following, { limit, bytesMax: replyBytesMax }, (entry) => entry);
  const next = more ? (views.at(-1)?.position ?? null) : null;
  return { ok: true, value: { seq: state.seq, total: entries.length, entries: views, next } };
}

function entriesOf(state: ClusterState): QueueEntry[] {
  const tree = new ProjectTree(state.projects.values(), state.projectUse);
  const capacity = clusterCapacity(state);
  const shares = new Map(
    [...state.workloads.values()].map(({ spec: { project } }) => {
      const node = tree.node(project);
      return [project, { ...dominantOf(node, capacity), weight: node.weight }] as const;
    }),
  );
  const queue = new FairQueue(waitingItems(state), tree, capacity);
  const entries: QueueEntry[] = [];
  for (let item = queue.next(); item; item = queue.next()) {
    const { workload, groups, project, priority, use } = item;
    const waiting = groups.reduce((sum, { count }) => sum + count, 0);
    tree.take(project, use, waiting);
    const [first] = groups;
    const share = shares.get(project);
    const band = priorityBands[bandOf(priority)];
    assert(first && share && band, `${workload.id} is in the queue and does not wait`);
    entries.push({
      position: entries.length + 1,
      workload: workload.id,
      project,
      priority,
      band: band.name,
      waiting,
      explanation: first.explanation,
      estimatedStartUnixMs: estimatedStart(first.explanation),
      sharePpm: share.sharePpm,
      weight: share.weight,
      submittedAtUnixMs: workload.submittedAtUnixMs,
    });
  }
  return entries;
}

function waitingItems({ workloads }: ClusterState): Item[] {
  return [...workloads.values()].flatMap((workload) => {
    const groups = workload.pending.filter(({ explanation }) => isInLine(explanation));
    if (groups.length === 0) return [];
    const { number, spec } = workload;
    const { project, priority } = spec;
    return [{ number, project, priority, use: quotaUseOf(spec), workload, groups }];
  });
}

function isInLine({ reason }: PendingExplanation): boolean {
  return reason !== "backoff" && reason !== "update" && reason !== "predecessor";
}

function estimatedStart(explanation: PendingExplanation): number | null {
  if (explanation.reason === "no_fit") return explanation.estimatedStartUnixMs ?? null;
  if (explanation.reason === "gang") return explanation.noFit?.estimatedStartUnixMs ?? null;
  return null;
}
