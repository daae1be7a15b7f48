import type { AllocationId } from "@berth/protocol";

/** A finished allocation's folder. */
export interface FinishedFolder {
  readonly allocationId: AllocationId;
  readonly finishedAtUnixMs: number;
  readonly sizeBytes: number;
  /** Its final report is acknowledged and nobody desires it: nothing would start it again. */
  readonly isSettled: boolean;
}

export interface RetentionBounds {
  readonly foldersMax: number;
  readonly bytesMax: number;
}

/** The folders to delete: the oldest settled ones, beyond a number or a size in total. */
export function expiredFolders(
  folders: readonly FinishedFolder[],
  bounds: RetentionBounds,
): AllocationId[] {
  const newestFirst = [...folders].sort((a, b) => b.finishedAtUnixMs - a.finishedAtUnixMs);
  const expired: AllocationId[] = [];
  let kept = 0;
  let keptBytes = 0;
  for (const folder of newestFirst) {
    const fits = kept < bounds.foldersMax && keptBytes + folder.sizeBytes <= bounds.bytesMax;
    if (folder.isSettled && !fits) {
      expired.push(folder.allocationId);
      continue;
    }
    kept += 1;
    keptBytes += folder.sizeBytes;
  }
  return expired;
}
