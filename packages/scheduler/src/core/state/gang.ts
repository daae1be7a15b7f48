import type { WorkloadSpec } from "@berth/protocol";
import type { WorkloadRecord } from "./cluster-state.ts";

/** What a spec says of running as a whole; null when each index runs by itself. */
export function gangOf({
  kind,
  placement,
}: WorkloadSpec): { readonly within: string | null } | null {
  return kind === "system" ? null : (placement?.gang ?? null);
}

/** How many start together: 1 where each index starts by itself. What has completed is not needed. */
export function startsTogether({ spec, counts }: WorkloadRecord): number {
  if (spec.kind === "system" || gangOf(spec) === null) return 1;
  return Math.max(1, spec.count - counts.complete - counts.failed);
}

/** A member of it has failed for good, so that the others are of no use. */
export function isGivenUp({ spec, counts }: WorkloadRecord): boolean {
  return spec.kind === "batch" && gangOf(spec) !== null && counts.failed > 0;
}

/** Why a member ended that did not fail itself. To follow "it". */
export const GANG_FAILURE = "belongs to a gang of which another failed for good";
