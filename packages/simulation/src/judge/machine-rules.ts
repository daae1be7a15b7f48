import type { AllocationId, AllocationReport, EventOf, Fence, NodeId } from "@berth/protocol";
import type { DesiredAllocations } from "@berth/agent/conversation";
import { type ClusterState, isFinal } from "@berth/scheduler/state";
import type { EndCause, SimulatedNode } from "../world/simulated-node.ts";
import type { Outcome, SimulatedTask } from "../world/simulated-task.ts";
import { desiredText, type Reference } from "./reference.ts";
import { demand, Violation } from "./violation.ts";

/** Compares what the log says with what really happens on the machines. */
export class MachineRules {
  private readonly reference: Reference;
  /** Every allocation that ever became a process, and where. */
  private readonly startedOn = new Map<AllocationId, SimulatedNode>();
  /** How tasks really ended, first to last: one, unless a full disk hid that it never ran. */
  private readonly ends = new Map<AllocationId, Outcome[]>();
  /** Those of which no machine remembers anything: they may begin again. */
  private readonly erased = new Set<AllocationId>();
  /** The newest desired state that each node has taken over, and can remember. */
  private readonly applied = new Map<NodeId, Fence>();

  constructor(reference: Reference) {
    this.reference = reference;
  }

  /** [INV2] An allocation is one run. [INV1] What it was granted, nobody else really uses. */
  started(node: SimulatedNode, { id, allocation }: SimulatedTask): void {
    const before = this.startedOn.get(id);
    demand(!before, "INV2", () => `${id} starts on ${node.name} and ran before on ${before?.name}`);
    this.startedOn.set(id, node);
    const record = this.reference.state.allocations.get(id);
    const isBoundHere = !record || record.nodeId === node.id;
    demand(isBoundHere, "INV2", () => `${id} starts on ${node.name}, where it is not bound`);
    const { ports, gpuUuids } = allocation.granted;
    for (const other of node.processes()) {
      if (other.id === id) continue;
      const held = other.allocation.granted;
      const port = Object.values(held.ports).find((each) => Object.values(ports).includes(each));
      const gpu = held.gpuUuids.find((uuid) => gpuUuids.includes(uuid));
      const isFree = port === undefined && gpu === undefined;
      demand(isFree, "INV1", () => {
        return `${id} starts on ${node.name} with ${gpu ?? `port ${port}`}, which ${other.id} still uses`;
      });
    }
  }

  /** [INV5] [INV6] What the log wants is never stopped: what has left it never comes back. */
  stopping(node: SimulatedNode, id: AllocationId): void {
    const isDesired = this.reference.state.nodes.get(node.id)?.desired.has(id) ?? false;
    demand(!isDesired, "INV5", () => `${node.name} stops ${id}, which is desired`);
  }

  ended(node: SimulatedNode, { id, finished }: SimulatedTask, cause: EndCause): void {
    if (finished === null) return;
    this.ends.set(id, [...(this.ends.get(id) ?? []), finished.outcome]);
    if (cause !== "stop") return;
    const isDesired = this.reference.state.nodes.get(node.id)?.desired.has(id) ?? false;
    demand(!isDesired, "INV6", () => `${id} was ended on ${node.name} and nobody asked for it`);
  }

  /** [INV3] [INV5] What an agent runs is what the log wanted at exactly that generation. */
  desired(node: SimulatedNode, fence: Fence, allocations: DesiredAllocations): void {
    const told = `${node.name} was told generation ${fence.generation} of term ${fence.term}`;
    demand(fence.term <= this.reference.state.term, "INV3", () => `${told}, which never began`);
    const before = this.applied.get(node.id);
    const isOlder = before !== undefined && isBefore(fence, before);
    demand(!isOlder, "INV5", () => `${told} after ${before?.generation} of term ${before?.term}`);
    if (!node.isDiskFull) this.applied.set(node.id, fence);
    if (fence.generation === 0) return;
    const wanted = this.reference.desiredAt(node.id, fence.generation);
    demand(wanted !== null, "INV3", () => `${told}, which is not in the log`);
    const held = desiredText(allocations.keys());
    demand(held === wanted, "INV5", () => `${told} as [${held}]; the log says [${wanted}]`);
  }

  /** [INV3] The agent forgets what was acknowledged, so it must be in the log. */
  acknowledged(node: SimulatedNode, report: AllocationReport): void {
    if (report.state !== "finished") return;
    const record = this.reference.state.allocations.get(report.allocationId);
    const isInLog = !record || record.nodeId !== node.id || isFinal(record.status);
    demand(isInLog, "INV3", () => {
      return `the end of ${report.allocationId} on ${node.name} was acknowledged and is not in the log`;
    });
  }

  wiped(node: SimulatedNode): void {
    this.applied.delete(node.id);
    for (const id of node.tasks.keys()) {
      this.startedOn.delete(id);
      this.erased.add(id);
    }
  }

  /** The log says that an allocation ended: it did, or its node is down, or there is nothing of it. */
  finishedInLog(state: ClusterState, event: EventOf<"AllocationFinished">): void {
    const { allocationId: id, outcome } = event;
    const really = this.ends.get(id) ?? [];
    if (outcome !== "lost") {
      demand(really.includes(outcome), "RULE", () => {
        return `the log ends ${id} as ${outcome}; really: ${really.join() || "it goes on"}`;
      });
      return;
    }
    const record = state.allocations.get(id);
    if (!record) throw new Violation("RULE", `${id} is lost and was never there`);
    const isDown = state.nodes.get(record.nodeId)?.status === "down";
    const goesOn = this.goesOn(id);
    demand(isDown || !goesOn, "RULE", () => `${id} is called lost and goes on on a live node`);
  }

  private goesOn(id: AllocationId): boolean {
    return this.startedOn.get(id)?.tasks.get(id)?.isAlive ?? false;
  }

  /** After peace: every end that happened is in the log, once and as it was. */
  checkEnds(): void {
    for (const [id, really] of this.ends) {
      const record = this.reference.state.allocations.get(id);
      // It starts at most once, so that an end before that is one of which a full disk kept nothing.
      const isKnown = !record || isFinal(record.status) || this.erased.has(id) || this.goesOn(id);
      demand(isKnown, "RULE", () => `${id} ended as ${really.join()} and nobody knows`);
      const said = this.reference.outcomes.get(id);
      const isTrue = said === undefined || said === "lost" || really.some((each) => each === said);
      demand(isTrue, "RULE", () => `${id} ended as ${really.join()} and the log says ${said}`);
    }
  }
}

function isBefore(left: Fence, right: Fence): boolean {
  return left.term === right.term ? left.generation < right.generation : left.term < right.term;
}
