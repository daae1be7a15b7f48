import { bandOf, rulesOf } from "@berth/protocol";
import { firstLack } from "../place/check-node.ts";
import { placementRequest } from "../place/placement-request.ts";
import { preemptLimits } from "../preempt/limits.ts";
import { queueLimits } from "../queue/limits.ts";
import { quotaRoom } from "../queue/quota.ts";
import type { ClusterState, NodeRecord, WorkloadRecord } from "../state/cluster-state.ts";
import { quotaUseOf } from "../state/quota-use.ts";
import { requestText, togetherText } from "./blocked-requests.ts";
import type { Pass } from "./pass.ts";

/** Workloads that wait for room and may have it now. */
export interface Hopefuls {
  readonly workloads: readonly WorkloadRecord[];
  /** Of some line only the first are among them: if all of those start, more may follow. */
  readonly isCut: boolean;
}

/**
 * Of what waits for room, that which what has happened since may have made room for. Of those that
 * ask for the same in one project with one priority only the oldest: when one of them does not fit,
 * none that follow do. So a long queue costs each change little more than a look at each line.
 */
export function findHopefuls(pass: Pass): Hopefuls {
  const { agenda, workloads } = pass.state;
  const lines = new Map<string, WorkloadRecord[]>();
  const fits = new FreedRoom(pass);
  const mayFindVictims = hasNewVictims(pass.state, pass.nowUnixMs);
  if (agenda.triedAt >= agenda.changes && !mayFindVictims) return { workloads: [], isCut: false };
  for (const [id, seen] of agenda.blocked) {
    const triedAt = Math.max(seen.triedAt, agenda.triedAt);
    const workload = agenda.dirty.has(id) ? undefined : workloads.get(id);
    if (!workload) continue;
    const isChanged = triedAt < agenda.changes && mayStart(pass, workload, triedAt, fits);
    if (!isChanged && !(mayFindVictims && waitsForVictims(pass, workload))) continue;
    const { project, priority } = workload.spec;
    const key = `${priority} ${project} ${fits.classOf(workload)}`;
    const line = lines.get(key);
    if (line) line.push(workload);
    else lines.set(key, [workload]);
  }
  const { triedInLineMax } = queueLimits;
  let isCut = false;
  const first = [...lines.values()].flatMap((line) => {
    if (line.length <= triedInLineMax) return line;
    isCut = true;
    return line.sort((a, b) => a.number - b.number).slice(0, triedInLineMax);
  });
  return { workloads: first, isCut };
}

/** When those that wait are next tried because of what runs since; null: nothing does. */
export function nextSearchUnixMs({ agenda, nodes }: ClusterState): number | null {
  if (agenda.newVictimBand === null || agenda.blocked.size === 0) return null;
  const isQuick = nodes.size <= preemptLimits.nodesAtOnceMax;
  return isQuick ? 0 : agenda.soughtUnixMs + nodes.size * preemptLimits.pauseMsPerNode;
}

function hasNewVictims(state: ClusterState, nowUnixMs: number): boolean {
  const nextUnixMs = nextSearchUnixMs(state);
  return nextUnixMs !== null && nextUnixMs <= nowUnixMs;
}

/** Something runs that it may take the room of, and could not when it was last tried. */
function waitsForVictims({ state }: Pass, { spec, pending }: WorkloadRecord): boolean {
  const { newVictimBand } = state.agenda;
  if (newVictimBand === null) return false;
  // What is borrowed may be reclaimed whatever its band.
  const isLess = bandOf(spec.priority) < newVictimBand && rulesOf(spec).preempts;
  if (!isLess && state.projects.size === 0) return false;
  return pending.some(({ explanation: { reason } }) => healedByVictims.has(reason));
}

const healedByVictims: ReadonlySet<string> = new Set(["no_fit", "gang", "behind"]);

function mayStart(
  { state, projects }: Pass,
  workload: WorkloadRecord,
  triedAt: number,
  fits: FreedRoom,
): boolean {
  const { spec } = workload;
  const isRoomMade = triedAt < state.agenda.roomMadeAt;
  return workload.pending.some(({ explanation: { reason } }) => {
    switch (reason) {
      case "no_fit":
      case "gang":
        // Beside another workload there may be a place as soon as that one has moved in.
        return (spec.placement?.colocate ?? []).length > 0 || (isRoomMade && fits.has(workload));
      case "quota":
        return isRoomMade && quotaRoom(projects.node(spec.project), quotaUseOf(spec)) > 0;
      case "behind":
        return true;
      case "preempting":
        return isRoomMade;
      default:
        return false;
    }
  });
}

/** Nodes on which room was made, and which requests fit on one of them; each kind is tried once. */
class FreedRoom {
  private readonly pass: Pass;
  private readonly nodes: readonly NodeRecord[];
  private readonly classes = new Map<string, number>();
  private readonly fitting = new Map<string, boolean>();

  constructor(pass: Pass) {
    const { nodes, agenda } = pass.state;
    this.pass = pass;
    this.nodes = [...agenda.freedNodes].flatMap((id) => nodes.get(id) ?? []);
  }

  has(workload: WorkloadRecord): boolean {
    const request = placementRequest(workload.spec);
    const text = requestText(request);
    const known = this.fitting.get(text);
    if (known !== undefined) return known;
    const fits = this.pass.holds.lifted(() =>
      this.nodes.some((node) => firstLack(request, node, this.pass.ledger.usageOf(node)) === null),
    );
    this.pass.countLooks(this.nodes.length);
    this.fitting.set(text, fits);
    return fits;
  }

  /** The same number for all that ask for the same. */
  classOf(workload: WorkloadRecord): number {
    const request = placementRequest(workload.spec);
    const text = `${togetherText(workload)} ${requestText(request)}`;
    const known = this.classes.get(text);
    if (known !== undefined) return known;
    this.classes.set(text, this.classes.size);
    return this.classes.size - 1;
  }
}

/** Whether something happened since all that waits for room was tried. */
export function hasHopefuls({ agenda }: ClusterState): boolean {
  return agenda.blocked.size > 0 && agenda.triedAt < agenda.changes;
}

/** All that was hopeful was tried; the rest needs no look before the next change. */
export function closeWaitingRoom(state: ClusterState, nowUnixMs: number): void {
  const { agenda } = state;
  agenda.triedAt = agenda.changes;
  agenda.freedNodes.clear();
  if (agenda.blocked.size > 0 && !hasNewVictims(state, nowUnixMs)) return;
  if (agenda.newVictimBand !== null) agenda.soughtUnixMs = nowUnixMs;
  agenda.newVictimBand = null;
}

/**
 * Workloads whose explanation is out of date. In a long queue only a few of them now and then, those
 * that are longest out of date first: they are for people to read, and each is an event in the log.
 */
export function outdatedExplanations(
  { agenda, workloads }: ClusterState,
  nowUnixMs: number,
): WorkloadRecord[] {
  const isLong = agenda.blocked.size > queueLimits.explainedAtOnceMax;
  if (isLong && nowUnixMs < agenda.refreshedUnixMs + queueLimits.explainIntervalMs) return [];
  const outdated: WorkloadRecord[] = [];
  for (const [id, { explainedAt }] of agenda.blocked) {
    if (explainedAt >= agenda.changes || outdated.length >= queueLimits.explainedAtOnceMax) break;
    const workload = workloads.get(id);
    if (workload) outdated.push(workload);
  }
  if (isLong && outdated.length > 0) agenda.refreshedUnixMs = nowUnixMs;
  return outdated;
}

/** When explanations are next brought up to date; null when it is done at once, or is not needed. */
export function nextExplanationUnixMs({ agenda }: ClusterState): number | null {
  if (agenda.blocked.size <= queueLimits.explainedAtOnceMax) return null;
  const [first] = agenda.blocked.values();
  if (!first || first.explainedAt >= agenda.changes) return null;
  return agenda.refreshedUnixMs + queueLimits.explainIntervalMs;
}
