import { type Grant, type ProjectName, rulesOf, type WorkloadId } from "@berth/protocol";
import type { Ledger, NodeUsage } from "../place/ledger.ts";
import type { NodeRecord, WorkloadRecord } from "../state/cluster-state.ts";
import { endIfPlaced } from "./allocation-end.ts";
import type { HeldPart } from "./hold.ts";

/** No priority is as high: the room is nobody else's. */
export const NOBODY_ELSE = Number.POSITIVE_INFINITY;

/** For whom room is kept. */
export type Holder =
  | {
      /** Work that is ahead in the queue and starts as soon as it fits. */
      readonly kind: "workload";
      readonly id: WorkloadId;
      /** Who has more of it may take the room nevertheless. */
      readonly priority: number;
    }
  | {
      /** A project that was promised whole nodes. */
      readonly kind: "reservation";
      readonly id: string;
      readonly project: ProjectName;
      /** Everybody whose workloads may use them: the project and those below it. */
      readonly isFor: (project: ProjectName) => boolean;
    };

export interface Hold {
  readonly holder: Holder;
  /** Until then, whoever has ended by then may use the room; null: nobody knows how long. */
  readonly startUnixMs: number | null;
  readonly parts: readonly HeldPart[];
}

/**
 * Room that is kept for somebody, during one pass: it counts as granted in the ledger for everyone
 * whom it is kept from.
 */
export class Holds {
  private readonly ledger: Ledger;
  private readonly nowUnixMs: number;
  private readonly all: Hold[] = [];
  /** What each that is in force takes in the ledger. */
  private readonly taken = new Map<Hold, readonly { node: NodeRecord; granted: Grant }[]>();

  constructor(ledger: Ledger, nowUnixMs: number) {
    this.ledger = ledger;
    this.nowUnixMs = nowUnixMs;
  }

  add(hold: Hold): void {
    this.all.push(hold);
    this.take(hold);
  }

  remove(hold: Hold): void {
    const at = this.all.indexOf(hold);
    if (at < 0) return;
    this.all.splice(at, 1);
    this.release(hold);
  }

  get size(): number {
    return this.all.length;
  }

  /** Runs `work` with only that kept which is kept from the workload. */
  around<Result>(workload: WorkloadRecord, work: () => Result): Result {
    return this.without(
      this.all.filter((hold) => !this.concerns(hold, workload)),
      work,
    );
  }

  /** Runs `work` as if nothing were kept for anybody. */
  lifted<Result>(work: () => Result): Result {
    return this.without(this.all, work);
  }

  /** What is kept from the workload. */
  against(workload: WorkloadRecord): Hold[] {
    return this.all.filter((hold) => this.concerns(hold, workload));
  }

  private without<Result>(holds: readonly Hold[], work: () => Result): Result {
    for (const hold of holds) this.release(hold);
    const result = work();
    for (const hold of holds) this.take(hold);
    return result;
  }

  private concerns({ holder, startUnixMs }: Hold, { id, spec }: WorkloadRecord): boolean {
    if (spec.kind === "system") {
      // What belongs on every node is no competition, unless others were stopped for the room.
      return holder.kind === "workload" && holder.priority === NOBODY_ELSE && holder.id !== id;
    }
    const end = endIfPlaced(spec, this.nowUnixMs);
    if (startUnixMs !== null && typeof end === "number" && end <= startUnixMs) return false;
    if (holder.kind === "workload") return holder.id !== id && holder.priority >= spec.priority;
    if (holder.isFor(spec.project)) return false;
    // Before it begins, work that can be stopped when it does may stay until then.
    const isComing = startUnixMs !== null && startUnixMs > this.nowUnixMs;
    return !(isComing && typeof end !== "number" && rulesOf(spec).preemptible);
  }

  /** What somebody has by now, or is kept for another, is not taken again: its owner gives it back. */
  private take(hold: Hold): void {
    const taken = hold.parts.flatMap(({ node, grants }) =>
      grants.map((granted) => {
        const free = withoutTaken(granted, this.ledger.usageOf(node));
        this.ledger.take(node, free);
        return { node, granted: free };
      }),
    );
    this.taken.set(hold, taken);
  }

  private release(hold: Hold): void {
    for (const { node, granted } of this.taken.get(hold) ?? []) this.ledger.release(node, granted);
    this.taken.delete(hold);
  }
}

/** Of what cannot be had twice, only what nobody has. */
function withoutTaken(granted: Grant, usage: NodeUsage): Grant {
  const ports = Object.entries(granted.ports);
  const free = ports.filter(([, port]) => !usage.ports.has(port));
  return free.length === ports.length ? granted : { ...granted, ports: Object.fromEntries(free) };
}
