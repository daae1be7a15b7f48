import {
  type Constraint,
  holds as holdsOn,
  parseConstraint,
  type ProjectName,
  type Reservation,
  rulesOf,
} from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { healthyGpus } from "../place/gpus.ts";
import type { Ledger } from "../place/ledger.ts";
import { nodeAttribute } from "../place/node-attribute.ts";
import type { AllocationRecord, ClusterState, NodeRecord } from "../state/cluster-state.ts";
import { projectOf } from "../state/project-use.ts";
import { endOf } from "./allocation-end.ts";
import { heldWhole } from "./hold.ts";
import type { Holder, Holds } from "./holds.ts";
import { queueLimits } from "./limits.ts";
import { isUnchanged, type NodeVersion, versionOf } from "./node-version.ts";
import { type ProjectTree, withAncestors } from "./project-tree.ts";

/** A reservation whose time is near or has come, and the nodes that are kept for it. */
export interface ActiveReservation {
  readonly reservation: Reservation;
  /** Fewer than were asked for where there are not as many. */
  readonly nodes: readonly NodeRecord[];
}

/**
 * Which nodes are kept for each reservation from now on. Those that have least choice choose first.
 * Chosen are nodes on which the project works already, then those with least that would be in its
 * way, then the oldest: what is chosen is kept free, so it stays as good a choice as any.
 */
export function activeReservations(
  state: ClusterState,
  tree: ProjectTree,
  nowUnixMs: number,
): ActiveReservation[] {
  const taken = new Set<NodeRecord>();
  return [...state.reservations.values()]
    .filter(
      ({ fromUnixMs, toUnixMs }) =>
        fromUnixMs - queueLimits.reservationLeadMs <= nowUnixMs && nowUnixMs < toUnixMs,
    )
    .map((reservation) => ({
      reservation,
      candidates: candidatesOf(state, tree, reservation),
    }))
    .sort(
      (a, b) =>
        spareOf(a) - spareOf(b) ||
        a.reservation.fromUnixMs - b.reservation.fromUnixMs ||
        numberOf(a.reservation) - numberOf(b.reservation),
    )
    .map(({ reservation, candidates }) => {
      const nodes = candidates.filter((node) => !taken.has(node)).slice(0, reservation.nodes);
      for (const node of nodes) taken.add(node);
      return { reservation, nodes };
    });
}

interface Choice {
  readonly reservation: Reservation;
  readonly candidates: readonly NodeRecord[];
}

/** How many more nodes would do than are wanted. */
function spareOf({ reservation, candidates }: Choice): number {
  return candidates.length - reservation.nodes;
}

/** Keeps the nodes of reservations from everybody else for the rest of a pass. */
export function keepReserved(pass: {
  readonly state: ClusterState;
  readonly projects: ProjectTree;
  readonly nowUnixMs: number;
  readonly ledger: Ledger;
  readonly holds: Holds;
}): ActiveReservation[] {
  const active = activeReservations(pass.state, pass.projects, pass.nowUnixMs);
  for (const { reservation, nodes } of active) {
    pass.holds.add({
      holder: holderOf(reservation, pass.projects),
      startUnixMs: reservation.fromUnixMs,
      parts: nodes.map((node) => heldWhole(node, pass.ledger.usageOf(node))),
    });
  }
  return active;
}

/** What is in the way of reservations that have begun, and may be stopped for them. */
export function overstayed(
  state: ClusterState,
  tree: ProjectTree,
  active: readonly ActiveReservation[],
  nowUnixMs: number,
): AllocationRecord[] {
  return active
    .filter(({ reservation }) => reservation.fromUnixMs <= nowUnixMs)
    .flatMap(({ reservation, nodes }) =>
      nodes.flatMap((node) =>
        foreignOn(state, tree, reservation, node).filter(
          ({ status, spec }) => status === "running" && rulesOf(spec).preemptible,
        ),
      ),
    );
}

/** When time alone next matters to a reservation, after a moment; null when it does not again. */
export function nextReservationTime(
  { reservations }: ClusterState,
  afterUnixMs: number,
): number | null {
  let next: number | null = null;
  for (const { fromUnixMs, toUnixMs } of reservations.values()) {
    for (const atUnixMs of [fromUnixMs - queueLimits.reservationLeadMs, fromUnixMs, toUnixMs]) {
      if (atUnixMs > afterUnixMs && (next === null || atUnixMs < next)) next = atUnixMs;
    }
  }
  return next;
}

function holderOf({ id, project }: Reservation, tree: ProjectTree) {
  return {
    kind: "reservation",
    id,
    project,
    isFor: (other: ProjectName) =>
      [...withAncestors(tree.node(other))].some(({ name }) => name === project),
  } as const satisfies Holder;
}

/** Nodes that are what a reservation asks for, whatever is on them. */
export function matchingNodes({ nodes }: ClusterState, reservation: Reservation): NodeRecord[] {
  const constraints = parsedConstraints(reservation);
  return [...nodes.values()].filter(
    (node) =>
      healthyGpus(node).length >= reservation.gpus &&
      constraints.every((one) => holdsOn(one, (path) => nodeAttribute(node.description, path))),
  );
}

function candidatesOf(
  state: ClusterState,
  tree: ProjectTree,
  reservation: Reservation,
): NodeRecord[] {
  return matchingNodes(state, reservation)
    .filter(({ status, eligibility }) => status !== "down" && eligibility === "eligible")
    .map((node) => ({ node, ...fitness(state, tree, reservation, node) }))
    .sort((a, b) => b.own - a.own || a.inTheWay - b.inTheWay || a.node.number - b.node.number)
    .map(({ node }) => node);
}

interface Fitness {
  readonly version: NodeVersion;
  /** Of the tree of projects that says who is foreign. */
  readonly shape: string;
  /** 1 where the project works already. */
  readonly own: number;
  /** What of others would still be there, and counts more where it cannot be stopped. */
  readonly inTheWay: number;
}

const UNSTOPPABLE = 10_000;
const known = new WeakMap<Reservation, WeakMap<NodeRecord, Fitness>>();

function fitness(
  state: ClusterState,
  tree: ProjectTree,
  reservation: Reservation,
  node: NodeRecord,
): Fitness {
  const byNode = known.get(reservation) ?? new WeakMap<NodeRecord, Fitness>();
  known.set(reservation, byNode);
  const { shape } = tree;
  const remembered = byNode.get(node);
  if (remembered?.shape === shape && isUnchanged(remembered.version, state, node)) {
    return remembered;
  }
  const foreign = foreignOn(state, tree, reservation, node);
  const others = foreign.reduce((sum, allocation) => {
    const end = endOf(state, allocation);
    if (typeof end === "number" && end <= reservation.fromUnixMs) return sum;
    return sum + (rulesOf(allocation.spec).preemptible ? 1 : UNSTOPPABLE);
  }, 0);
  const own = ownOn(state, tree, reservation, node) ? 1 : 0;
  const found = { version: versionOf(state, node), shape, own, inTheWay: others };
  byNode.set(node, found);
  return found;
}

function foreignOn(
  state: ClusterState,
  tree: ProjectTree,
  reservation: Reservation,
  node: NodeRecord,
): AllocationRecord[] {
  const { isFor } = holderOf(reservation, tree);
  return liveOn(state, node).filter(
    ({ workloadId, spec }) => spec.kind !== "system" && !isFor(projectOf(workloadId)),
  );
}

function ownOn(
  state: ClusterState,
  tree: ProjectTree,
  reservation: Reservation,
  node: NodeRecord,
): boolean {
  const { isFor } = holderOf(reservation, tree);
  return liveOn(state, node).some(
    ({ workloadId, spec }) => spec.kind !== "system" && isFor(projectOf(workloadId)),
  );
}

function liveOn({ allocations }: ClusterState, node: NodeRecord): AllocationRecord[] {
  return [...node.live].flatMap((id) => allocations.get(id) ?? []);
}

function numberOf({ id }: Reservation): number {
  return Number(id.slice(1));
}

const constraintsOf = new WeakMap<Reservation, readonly Constraint[]>();

function parsedConstraints(reservation: Reservation): readonly Constraint[] {
  const remembered = constraintsOf.get(reservation);
  if (remembered) return remembered;
  const constraints = reservation.constraints.map((source) => {
    const parsed = parseConstraint(source);
    assert(parsed.ok, `constraint '${source}' was accepted and cannot be parsed`);
    return parsed.constraint;
  });
  constraintsOf.set(reservation, constraints);
  return constraints;
}
