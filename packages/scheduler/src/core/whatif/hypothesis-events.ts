import { type ClusterEvent, type Hypothesis, type RequestId, WorkloadSpec } from "@berth/protocol";
import { unreachable } from "@berth/runtime/assert";
import { handleCommand } from "../command/handle-command.ts";
import { lossOf } from "../node/liveness.ts";
import type { QueryResult } from "../query/query-result.ts";
import { findNode, findWorkload } from "../select/find.ts";
import { nearNames } from "../select/near-names.ts";
import { type Refused, refuse } from "../select/refusal.ts";
import type { ClusterState, NodeRecord } from "../state/cluster-state.ts";
import { sameSpec } from "../state/task-identity.ts";
import { likeNode } from "./like-node.ts";

/** What the log would get if it came true; refused where it would be. */
export function hypothesisEvents(
  state: ClusterState,
  hypothesis: Hypothesis,
  nowUnixMs: number,
): QueryResult<ClusterEvent[]> {
  switch (hypothesis.kind) {
    case "drain":
      return drained(state, hypothesis.nodes, nowUnixMs);
    case "lose": {
      const found = findNodes(state, hypothesis.nodes);
      return found.ok ? lost(state, found.value, nowUnixMs) : found;
    }
    case "lose.label": {
      const { label, value } = hypothesis;
      const nodes = withLabel(state, label, value);
      return nodes.length === 0 ? noSuchLabel(state, label, value) : lost(state, nodes, nowUnixMs);
    }
    case "add": {
      const like = findNode(state, hypothesis.like);
      if (!like.ok) return like;
      const nodes = likeNode(state, like.value, hypothesis.count);
      return { ok: true, value: nodes.map((node) => ({ type: "NodeRegistered", node })) };
    }
    case "submit":
      return eventsOf(
        handleCommand(
          state,
          "workload.apply",
          { requestId: nobodys(0), workloads: hypothesis.workloads },
          { nowUnixMs },
        ),
      );
    case "resize":
      return resized(state, hypothesis);
    default:
      return unreachable(hypothesis);
  }
}

/** Requests of nobody: a scratch state remembers no answers. */
function nobodys(number: number): RequestId {
  return `what-if-${number}` as RequestId;
}

function drained(
  state: ClusterState,
  selectors: readonly string[],
  nowUnixMs: number,
): QueryResult<ClusterEvent[]> {
  const events: ClusterEvent[] = [];
  for (const [at, node] of selectors.entries()) {
    const drain = { node, deadlineMs: null, ignoreSystem: false, reason: null };
    const request = { requestId: nobodys(at), ...drain };
    const decided = eventsOf(handleCommand(state, "node.drain", request, { nowUnixMs }));
    if (!decided.ok) return decided;
    events.push(...decided.value);
  }
  return { ok: true, value: events };
}

function eventsOf(result: ReturnType<typeof handleCommand>): QueryResult<ClusterEvent[]> {
  if (!result.ok) return result;
  return { ok: true, value: result.events.filter(({ type }) => type !== "RequestAnswered") };
}

function findNodes(state: ClusterState, selectors: readonly string[]): QueryResult<NodeRecord[]> {
  const nodes = new Set<NodeRecord>();
  for (const selector of selectors) {
    const found = findNode(state, selector);
    if (!found.ok) return found;
    nodes.add(found.value);
  }
  return { ok: true, value: [...nodes] };
}

function withLabel({ nodes }: ClusterState, label: string, value: string): NodeRecord[] {
  return [...nodes.values()].filter(({ description: { labels } }) =>
    Object.hasOwn(labels, label) ? labels[label] === value : false,
  );
}

function noSuchLabel({ nodes }: ClusterState, label: string, value: string): Refused {
  const known = [...nodes.values()].flatMap(({ description: { labels } }) =>
    Object.entries(labels).map(([key, other]) => `${key}=${other}`),
  );
  const near = nearNames(`${label}=${value}`, known);
  const [best] = near;
  return refuse("not_found", `no node has the label ${label}=${value}`, {
    hint: best === undefined ? "`berth node ls -o wide` shows labels" : `did you mean '${best}'?`,
    details: { near },
  });
}

function lost(
  state: ClusterState,
  nodes: readonly NodeRecord[],
  nowUnixMs: number,
): QueryResult<ClusterEvent[]> {
  const events = nodes.flatMap((node): ClusterEvent[] => [
    { type: "NodeStatusChanged", nodeId: node.id, status: "down", reason: "lost in a what-if" },
    ...[...node.live].map((id) => lossOf(state, id, nowUnixMs)),
  ]);
  return { ok: true, value: events };
}

function resized(
  state: ClusterState,
  hypothesis: Extract<Hypothesis, { kind: "resize" }>,
): QueryResult<ClusterEvent[]> {
  const found = findWorkload(state, hypothesis.workload);
  if (!found.ok) return found;
  const { id, version, spec, stopped } = found.value;
  if (stopped) return refuse("conflict", `${id} is stopped`);
  const wanted = WorkloadSpec.safeParse(resizedSpec(spec, hypothesis));
  const problem = wanted.success
    ? sizeProblem(spec, wanted.data, hypothesis.count)
    : (wanted.error.issues[0]?.message ?? "not a workload");
  if (!wanted.success || problem !== null) {
    return refuse("invalid", `${id} cannot be resized so: ${problem}`);
  }
  if (sameSpec(spec, wanted.data)) return { ok: true, value: [] };
  const event = { type: "WorkloadApplied", workloadId: id, version: version + 1 } as const;
  return { ok: true, value: [{ ...event, spec: wanted.data }] };
}

/** The spec with what the hypothesis names; not one yet, because rules across fields may be broken. */
function resizedSpec(
  spec: WorkloadSpec,
  {
    count,
    gpus,
    cpuMillis,
    memoryMiB,
    diskMiB,
    networkMbps,
  }: Extract<Hypothesis, { kind: "resize" }>,
): object {
  const { resources } = spec;
  const gpu = resources.gpu ?? { count: 1, models: [], memoryMiB: 0 };
  return {
    ...spec,
    ...(count === null ? {} : { count }),
    resources: {
      ...resources,
      cpuMillis: cpuMillis ?? resources.cpuMillis,
      memoryMiB: memoryMiB ?? resources.memoryMiB,
      diskMiB: diskMiB ?? resources.diskMiB,
      networkMbps: networkMbps ?? resources.networkMbps,
      gpu: gpus === null ? resources.gpu : gpus === 0 ? null : { ...gpu, count: gpus },
    },
  };
}

/** What a file that said so would be refused for; null when it would not be. */
function sizeProblem(
  before: WorkloadSpec,
  after: WorkloadSpec,
  count: number | null,
): string | null {
  const { gpu, exclusiveCores, cpuMillis } = after.resources;
  if (before.kind === "system" && count !== null) return "a system workload has one on each node";
  if (exclusiveCores && cpuMillis % CORE_MILLIS !== 0) return "exclusive cores are whole cores";
  if (gpu && gpu.count > 1 && gpu.shareMillis !== undefined) return "a share is of one device";
  return null;
}

const CORE_MILLIS = 1_000;
