import { opendir, rm, stat } from "node:fs/promises";
import path from "node:path";
import type { AllocationId } from "@berth/protocol";
import type { Logger } from "@berth/runtime";
import { expiredFolders, type RetentionBounds } from "../core/retention.ts";
import { agentLimits } from "../limits.ts";
import type { AllocationFolder, FinishedReport } from "./allocation-folder.ts";
import type { StateFolder } from "./state-folder.ts";

interface Finished {
  readonly folder: AllocationFolder;
  readonly finishedAtUnixMs: number;
  isAcknowledged: boolean;
  /** Null until it has been measured. */
  sizeBytes: number | null;
}

const DEFAULT_BOUNDS: RetentionBounds = {
  foldersMax: agentLimits.finishedFoldersMax,
  bytesMax: agentLimits.finishedFoldersBytesMax,
};

/** The folders of finished allocations: kept for their logs, deleted oldest first. */
export class FinishedFolders {
  readonly #state: StateFolder;
  readonly #logger: Logger;
  readonly #bounds: RetentionBounds;
  readonly #finished = new Map<AllocationId, Finished>();

  constructor(state: StateFolder, logger: Logger, bounds: RetentionBounds = DEFAULT_BOUNDS) {
    this.#state = state;
    this.#logger = logger;
    this.#bounds = bounds;
  }

  add(folder: AllocationFolder, report: FinishedReport, isAcknowledged: boolean): void {
    const { finishedAtUnixMs } = report;
    const entry = { folder, finishedAtUnixMs, isAcknowledged, sizeBytes: null };
    this.#finished.set(report.allocationId, entry);
  }

  acknowledged(id: AllocationId): void {
    const entry = this.#finished.get(id);
    if (entry !== undefined) entry.isAcknowledged = true;
  }

  isAcknowledged(id: AllocationId): boolean {
    return this.#finished.get(id)?.isAcknowledged ?? false;
  }

  /** Deletes what is beyond the limits; the allocations whose records are gone. */
  async collect(isUndesired: (id: AllocationId) => boolean): Promise<AllocationId[]> {
    for (const entry of this.#finished.values()) {
      entry.sizeBytes ??= await folderBytes(entry.folder.path);
    }
    const folders = [...this.#finished].map(([allocationId, entry]) => ({
      allocationId,
      finishedAtUnixMs: entry.finishedAtUnixMs,
      sizeBytes: entry.sizeBytes ?? 0,
      isSettled: entry.isAcknowledged && isUndesired(allocationId),
    }));
    const expired = expiredFolders(folders, this.#bounds);
    for (const id of expired) await this.#delete(id);
    return expired.filter((id) => !this.#finished.has(id));
  }

  async #delete(id: AllocationId): Promise<void> {
    const entry = this.#finished.get(id);
    if (entry === undefined) return;
    try {
      const trash = this.#state.moveToTrash(entry.folder.path);
      this.#finished.delete(id);
      await rm(trash, { recursive: true, force: true });
    } catch (error) {
      this.#logger.count("collect", "cannot delete a finished allocation's folder", { error });
    }
  }
}

/** Bytes of the files below a folder, of as many of them as may be looked at. */
async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  let entries = 0;
  const waiting = [folder];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const listing = await opendir(next).catch(() => null);
    if (listing === null) continue;
    for await (const entry of listing) {
      entries += 1;
      if (entries > agentLimits.folderEntriesMeasuredMax) return bytes;
      const found = path.join(next, entry.name);
      if (entry.isDirectory()) waiting.push(found);
      else if (entry.isFile())
        bytes += await stat(found).then(
          ({ size }) => size,
          () => 0,
        );
    }
  }
  return bytes;
}
