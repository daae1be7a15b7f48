import {
  type AllocationStatus,
  type Project,
  type ProjectName,
  type QuotaAmounts,
  type Reservation,
  workloadId,
  type WorkloadSpec,
} from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { nextWakeUnixMs } from "../evaluate/wake.ts";
import type { AllocationRecord } from "../state/cluster-state.ts";
import { TestCluster } from "./test-cluster.ts";

const UNSAID: QuotaAmounts = { cpuMillis: null, memoryMiB: null, gpuMillis: null };

type ProjectOverrides = Partial<Omit<Project, "guaranteed" | "limit" | "parent">> & {
  parent?: string;
  guaranteed?: Partial<QuotaAmounts>;
  limit?: Partial<QuotaAmounts>;
};

export function project(name: string, overrides: ProjectOverrides = {}): Project {
  const { parent, guaranteed, limit, ...more } = overrides;
  return {
    name: name as ProjectName,
    parent: (parent ?? null) as ProjectName | null,
    weight: 1,
    guaranteed: { ...UNSAID, ...guaranteed },
    limit: { ...UNSAID, ...limit },
    mayBorrow: true,
    ...more,
  };
}

/** A cluster whose batches take as long as the test says, and whose clock runs from end to end. */
export class QueueCluster extends TestCluster {
  /** How long a workload's allocations run, by its name. */
  readonly runMs = new Map<string, number>();

  configure(...projects: Project[]): this {
    this.append(projects.map((one) => ({ type: "ProjectConfigured", project: one })));
    return this;
  }

  reserve(
    reservation: Omit<Reservation, "id" | "constraints" | "gpus"> & Partial<Reservation>,
  ): this {
    const id = `r${this.state.nextReservationNumber}`;
    this.append([
      { type: "ReservationMade", reservation: { constraints: [], gpus: 0, ...reservation, id } },
    ]);
    return this;
  }

  /** Submits without evaluating. */
  submit(specs: WorkloadSpec | WorkloadSpec[], version = 1): this {
    this.append(
      [specs].flat().map((spec) => ({
        type: "WorkloadApplied",
        workloadId: workloadId(spec.project, spec.name),
        version,
        spec,
      })),
    );
    return this;
  }

  /** How many of a workload live. */
  count(id: string): number {
    return this.live(id).length;
  }

  reasons(id: string): string[] {
    return this.workload(id).pending.map(({ explanation }) => explanation.reason);
  }

  /** Lets what is placed run, until a moment: ends what is over by then, each at its time. */
  runUntil(untilUnixMs: number): this {
    for (;;) {
      this.settle();
      this.startAll().endStopping().settle();
      const ends = this.ending();
      const nextEnd = ends[0]?.endUnixMs ?? Number.POSITIVE_INFINITY;
      const wake = nextWakeUnixMs(this.state) ?? Number.POSITIVE_INFINITY;
      const next = Math.min(nextEnd, wake);
      if (next > untilUnixMs) break;
      assert(next >= this.nowUnixMs, "time does not run backwards");
      this.nowUnixMs = next;
      for (const { allocation, endUnixMs } of ends) {
        if (endUnixMs <= next) this.end(allocation, "complete");
      }
    }
    this.nowUnixMs = untilUnixMs;
    return this;
  }

  private ending(): { allocation: AllocationRecord; endUnixMs: number }[] {
    const live: ReadonlySet<AllocationStatus> = new Set(["running"]);
    return [...this.state.allocations.values()]
      .filter(({ status }) => live.has(status))
      .flatMap((allocation) => {
        const runMs = this.runMs.get(allocation.spec.name);
        if (runMs === undefined) return [];
        return [{ allocation, endUnixMs: allocation.placedAtUnixMs + runMs }];
      })
      .sort((a, b) => a.endUnixMs - b.endUnixMs);
  }
}
