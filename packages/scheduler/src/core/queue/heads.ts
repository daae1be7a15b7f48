import { bandOf, type NoFit, type ProjectName, rulesOf } from "@berth/protocol";
import type { Ledger } from "../place/ledger.ts";
import { type PlacementRequest, placementRequest } from "../place/placement-request.ts";
import { valueOf } from "../place/surroundings.ts";
import type { ClusterState, NodeRecord, WorkloadRecord } from "../state/cluster-state.ts";
import { isHopeful } from "../state/hopeful.ts";
import { earliestStart, type PlannedStart } from "./earliest-start.ts";
import { heldSoFar, heldUntil } from "./hold.ts";
import type { Holds } from "./holds.ts";
import { queueLimits } from "./limits.ts";
import {
  type Decided,
  futureOf,
  type NodeFuture,
  type Prospect,
  prospectOf,
} from "./node-future.ts";
import { isUnchanged, type NodeVersion, versionOf } from "./node-version.ts";

export interface HeadsContext {
  readonly state: ClusterState;
  readonly nowUnixMs: number;
  readonly ledger: Ledger;
  readonly holds: Holds;
  /** What the pass has placed on a node. */
  decidedOn(node: NodeRecord): readonly Decided[];
}

/** When something that waits starts, as far as time limits tell. */
export interface Estimate {
  readonly startUnixMs: number | null;
}

/**
 * The first of those that wait for room, in each priority band, and what is kept for them. With
 * time limits ahead of it, one gets the nodes on which it fits first, from that moment on: EASY
 * backfill (Lifka 1995; Mu'alem and Feitelson 2001). Without, after some patience, the nodes that
 * come nearest are kept free for it, so that what becomes free there adds up.
 *
 * Nothing of this is remembered. It is a function of the state, and what is kept only helps the next
 * pass to find the same again: the earliest start does not move back, what is missing does not grow.
 */
export class Heads {
  private readonly context: HeadsContext;
  private readonly estimates = new Map<string, Estimate | null>();
  private readonly perBand = new Map<number, number>();
  private readonly heldNodes = new Set<NodeRecord>();

  constructor(context: HeadsContext) {
    this.context = context;
  }

  /** Null when the workload is not among the first, or never fits. */
  consider(workload: WorkloadRecord, wanted: number, noFit: NoFit | null): Estimate | null {
    const { spec, id } = workload;
    const known = this.estimates.get(id);
    if (known !== undefined) return known;
    const band = bandOf(spec.priority);
    const project = `${band} ${spec.project satisfies ProjectName}`;
    const count = this.perBand.get(band) ?? 0;
    const isCandidate =
      spec.kind !== "system" &&
      count < queueLimits.headsPerBandMax &&
      !this.estimates.has(project) &&
      isHopeful(noFit);
    const estimate = isCandidate ? this.keepRoom(workload, wanted) : null;
    this.estimates.set(id, estimate);
    if (estimate === null) return null;
    this.estimates.set(project, estimate);
    this.perBand.set(band, count + 1);
    return estimate;
  }

  private keepRoom(workload: WorkloadRecord, wanted: number): Estimate | null {
    const request = placementRequest(workload.spec);
    const within = rulesOf(workload.spec).gang?.within ?? null;
    const outlooks: Outlook[] = [];
    for (const node of this.context.state.nodes.values()) {
      if (this.heldNodes.has(node)) continue;
      const prospect = this.prospectOn(request, node, wanted);
      if (prospect.someday === 0) continue;
      const group = within === null ? null : valueOf(node, within);
      if (group === "") continue;
      outlooks.push({ node, group, steps: prospect.steps, prospect });
    }
    const planned = earliestStart(outlooks, wanted);
    if (planned) return this.keepUntil(workload, request, planned);
    const nearest = nearestNodes(outlooks, wanted);
    if (!nearest) return null;
    const { nowUnixMs } = this.context;
    if (workload.updatedAtUnixMs + queueLimits.patienceMs <= nowUnixMs) {
      this.keepNodes(workload, request, nearest);
    }
    return { startUnixMs: null };
  }

  private keepUntil(
    workload: WorkloadRecord,
    request: PlacementRequest,
    { startUnixMs, parts }: PlannedStart<NodeRecord>,
  ): Estimate {
    this.context.holds.add({
      holder: holderOf(workload),
      startUnixMs,
      parts: parts.map(({ node, count }) =>
        heldUntil(request, node, this.future(node), count, startUnixMs),
      ),
    });
    for (const { node } of parts) this.heldNodes.add(node);
    return { startUnixMs: startUnixMs > this.context.nowUnixMs ? startUnixMs : null };
  }

  private keepNodes(
    workload: WorkloadRecord,
    request: PlacementRequest,
    parts: PlannedStart<NodeRecord>["parts"],
  ): void {
    this.context.holds.add({
      holder: holderOf(workload),
      startUnixMs: null,
      parts: parts.map(({ node, count }) => heldSoFar(request, node, this.future(node), count)),
    });
    for (const { node } of parts) this.heldNodes.add(node);
  }

  private future(node: NodeRecord): NodeFuture {
    const { state, ledger } = this.context;
    return futureOf(state, node, ledger.usageOf(node), this.context.decidedOn(node));
  }

  /** Remembered from pass to pass for nodes that nothing has happened on. */
  private prospectOn(request: PlacementRequest, node: NodeRecord, countMax: number): Prospect {
    if (this.context.ledger.usageOf(node) !== node.usage) {
      return prospectOf(request, node, this.future(node), countMax);
    }
    const byNode = prospects.get(request) ?? new WeakMap<NodeRecord, Remembered>();
    prospects.set(request, byNode);
    const { state } = this.context;
    const known = byNode.get(node);
    if (known?.countMax === countMax && isUnchanged(known.version, state, node)) {
      return known.prospect;
    }
    const prospect = prospectOf(request, node, this.future(node), countMax);
    byNode.set(node, { version: versionOf(state, node), countMax, prospect });
    return prospect;
  }
}

interface Outlook {
  readonly node: NodeRecord;
  readonly group: string | null;
  readonly steps: Prospect["steps"];
  readonly prospect: Prospect;
}

interface Remembered {
  readonly version: NodeVersion;
  readonly countMax: number;
  readonly prospect: Prospect;
}

const prospects = new WeakMap<PlacementRequest, WeakMap<NodeRecord, Remembered>>();

function holderOf({ id, spec }: WorkloadRecord) {
  return { kind: "workload", id, priority: spec.priority } as const;
}

/** Those that are least far from fitting, of the group that has enough of them soonest. */
function nearestNodes(
  outlooks: readonly Outlook[],
  wanted: number,
): PlannedStart<NodeRecord>["parts"] | null {
  const sorted = outlooks.toSorted(
    (a, b) =>
      a.prospect.missingPermille - b.prospect.missingPermille || a.node.number - b.node.number,
  );
  const planned = earliestStart(
    sorted.map(({ node, group, prospect }) => ({
      node,
      group,
      steps: [{ atUnixMs: prospect.missingPermille, count: prospect.someday }],
    })),
    wanted,
  );
  return planned?.parts ?? null;
}
