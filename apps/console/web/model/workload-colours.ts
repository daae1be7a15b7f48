import type { WorkloadId, WorkloadView } from "@berth/protocol";

/** How many fills the style sheet has: `--workload-0` and on. */
export const WORKLOAD_COLOURS = 12;

/**
 * One colour for each workload, the same wherever it shows. Each has a preferred one, from its
 * name; the older workload keeps it and a younger one takes the next that is free, so that twelve
 * workloads have twelve colours. Beyond that they share.
 */
export function assignColours(
  workloads: Iterable<Pick<WorkloadView, "id" | "submittedAtUnixMs">>,
): ReadonlyMap<WorkloadId, number> {
  const byAge = [...workloads].sort(
    (a, b) => a.submittedAtUnixMs - b.submittedAtUnixMs || (a.id < b.id ? -1 : 1),
  );
  const colours = new Map<WorkloadId, number>();
  const timesTaken = new Array<number>(WORKLOAD_COLOURS).fill(0);
  for (const [place, { id }] of byAge.entries()) {
    const fewest = Math.floor(place / WORKLOAD_COLOURS);
    let colour = preferredColour(id);
    while ((timesTaken[colour] ?? 0) > fewest) colour = (colour + 1) % WORKLOAD_COLOURS;
    timesTaken[colour] = (timesTaken[colour] ?? 0) + 1;
    colours.set(id, colour);
  }
  return colours;
}

/** For an allocation whose workload is gone already. */
export function preferredColour(id: string): number {
  let hash = 2_166_136_261;
  for (let at = 0; at < id.length; at += 1) {
    hash = Math.imul(hash ^ id.charCodeAt(at), 16_777_619);
  }
  return (hash >>> 0) % WORKLOAD_COLOURS;
}
