import type { Grant, WorkloadId } from "@berth/protocol";
import type { Ledger } from "../place/ledger.ts";
import { firstLack } from "../place/check-node.ts";
import { grantOn } from "../place/grant.ts";
import type { PlacementRequest } from "../place/placement-request.ts";
import { type LiveSurroundings, NO_SURROUNDINGS } from "../place/surroundings.ts";
import { heldOfPlanned } from "../queue/hold.ts";
import { type Hold, type Holds, NOBODY_ELSE } from "../queue/holds.ts";
import type { ProjectTree } from "../queue/project-tree.ts";
import type {
  AllocationRecord,
  ClusterState,
  NodeRecord,
  WorkloadRecord,
} from "../state/cluster-state.ts";
import { addGrant, copyUsage, type NodeUsage, subtractGrant } from "../state/node-usage.ts";
import { quotaUseOf } from "../state/quota-use.ts";

export interface PromisesContext {
  readonly state: ClusterState;
  readonly ledger: Ledger;
  readonly holds: Holds;
  readonly projects: ProjectTree;
  /** What on a node ends and is not counted as gone yet. */
  endingOn(node: NodeRecord): Iterable<AllocationRecord>;
}

/** Where somebody will be once those who make room have ended. */
export interface PromisedPart {
  readonly node: NodeRecord;
  readonly grants: readonly Grant[];
}

interface Promised extends PromisedPart {
  readonly workload: WorkloadId;
  readonly hold: Hold;
}

/**
 * Room for which others were asked to stop, during one pass. It is kept for whoever they stop for,
 * what of it is free already and what they will leave.
 */
export class Promises {
  readonly #context: PromisesContext;
  readonly #byNode = new Map<NodeRecord, Promised[]>();
  readonly #byWorkload = new Map<WorkloadId, Promised[]>();

  constructor(context: PromisesContext) {
    this.#context = context;
  }

  /** Also counts against the limits of the workload's project, so that it may start then. */
  keep({ id, spec }: WorkloadRecord, parts: readonly PromisedPart[]): void {
    const { ledger, holds, projects } = this.#context;
    for (const { node, grants } of parts) {
      const held = heldOfPlanned(node, ledger.usageOf(node), grants);
      const holder = { kind: "workload", id, priority: NOBODY_ELSE } as const;
      const hold = { holder, startUnixMs: null, parts: [held] };
      holds.add(hold);
      const promised = { node, grants, workload: id, hold };
      listIn(this.#byNode, node).push(promised);
      listIn(this.#byWorkload, id).push(promised);
      projects.take(spec.project, quotaUseOf(spec), grants.length);
    }
  }

  /** Where the workload will be, so far. */
  of({ id }: WorkloadRecord): readonly PromisedPart[] {
    return this.#byWorkload.get(id) ?? [];
  }

  /** It is looked at anew: what it was promised is free for it, and for whom it decides. */
  drop({ id, spec }: WorkloadRecord): void {
    const { holds, projects } = this.#context;
    for (const promised of this.#byWorkload.get(id) ?? []) {
      holds.remove(promised.hold);
      const there = listIn(this.#byNode, promised.node);
      there.splice(there.indexOf(promised), 1);
      projects.take(spec.project, quotaUseOf(spec), -promised.grants.length);
    }
    this.#byWorkload.delete(id);
  }

  /**
   * What is taken on a node once everybody who is asked to stop has ended and everybody else has what
   * was promised. To be asked while only that is held which is kept from the workload.
   */
  usageThen(node: NodeRecord, { id }: WorkloadRecord): NodeUsage {
    const { ledger } = this.#context;
    const promised = this.#byNode.get(node) ?? [];
    const ending = [...this.#context.endingOn(node)];
    const usage = ledger.usageOf(node);
    if (promised.length + ending.length === 0) return usage;
    const account = copyUsage(usage);
    for (const { granted } of ending) subtractGrant(account, granted);
    for (const { workload, hold } of promised) {
      if (workload === id) continue;
      for (const { grants } of hold.parts) for (const one of grants) subtractGrant(account, one);
    }
    for (const { grants } of promised) {
      for (const granted of grants) addGrant(account, granted);
    }
    return account;
  }
}

function listIn<Key, Item>(lists: Map<Key, Item[]>, key: Key): Item[] {
  const known = lists.get(key);
  if (known) return known;
  const list: Item[] = [];
  lists.set(key, list);
  return list;
}

/** Room for as many of a request as fit the nodes in this order, up to a number. */
export function partsOn(
  request: PlacementRequest,
  nodes: Iterable<NodeRecord>,
  wanted: number,
  usageThen: (node: NodeRecord) => NodeUsage,
  surroundings: LiveSurroundings | null,
): PromisedPart[] {
  const parts: PromisedPart[] = [];
  let missing = wanted;
  for (const node of nodes) {
    if (missing === 0) break;
    const account = copyUsage(usageThen(node));
    const grants: Grant[] = [];
    while (missing > 0) {
      if (firstLack(request, node, account, surroundings ?? NO_SURROUNDINGS) !== null) break;
      const granted = grantOn(request, node, account, grants.length);
      addGrant(account, granted);
      surroundings?.add(node);
      grants.push(granted);
      missing -= 1;
    }
    if (grants.length > 0) parts.push({ node, grants });
  }
  return parts;
}
