import type { ApiMethod, ApiReply, RequestId, WorkloadId } from "@berth/protocol";
import type { Reference } from "./reference.ts";
import { demand } from "./violation.ts";

/** What an operator was told. */
export interface Acknowledged {
  readonly requestId: RequestId;
  readonly method: ApiMethod;
  readonly value: unknown;
}

/** [INV3] What was acknowledged is in the log when it is acknowledged, and still true at the end. */
export class Promises {
  private readonly reference: Reference;
  private readonly versions = new Map<WorkloadId, { version: number; order: number }>();
  kept = 0;

  constructor(reference: Reference) {
    this.reference = reference;
  }

  acknowledged({ requestId, method, value }: Acknowledged): void {
    this.kept += 1;
    const position = this.reference.answeredAt.get(requestId);
    const told = `${method} ${requestId} was acknowledged`;
    demand(position !== undefined, "INV3", () => `${told} and is not in the log`);
    const { seq, order } = position;
    const { seq: toldSeq } = value as { seq: number };
    demand(seq === toldSeq, "INV3", () => `${told} for entry ${toldSeq} and is in entry ${seq}`);
    if (method !== "workload.apply") return;
    for (const { workload, version } of (value as ApiReply<"workload.apply">).results) {
      const before = this.versions.get(workload);
      if (before === undefined || before.order < order) {
        this.versions.set(workload, { version, order });
      }
    }
  }

  /** Every acknowledged version is there, or something later took its place. */
  checkKept(): void {
    for (const [id, { version, order }] of this.versions) {
      const removedAt = this.reference.removedAt.get(id)?.order ?? 0;
      const now = this.reference.state.workloads.get(id)?.version ?? 0;
      const isKept = removedAt > order || now >= version;
      demand(isKept, "INV3", () => `version ${version} of ${id} was acknowledged; it is at ${now}`);
    }
  }
}
