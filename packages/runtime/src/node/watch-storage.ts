import { statfsSync } from "node:fs";
import type { Clock, Storage } from "../ports.ts";

/** The last room is for what runs already: reports of its ends, and the engine's own files. */
const RESERVE_BYTES_MAX = 256 * 1024 * 1024;
const RESERVE_SHARE = 0.05;
const LOOK_INTERVAL_MS = 500;

/**
 * Watches the file system of a folder. An engine whose disk is full to the last byte may stop
 * answering for good, so the last 5 % (at most 256 MiB) count as none. A folder that cannot be
 * looked at is no shortage: whether there is room is then the engine's to say.
 */
export function watchStorage(folder: string, clock: Clock): Storage {
  let shortage: string | null = null;
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  return {
    shortage() {
      const nowMs = clock.monotonicMs();
      if (nowMs - lookedAtMs >= LOOK_INTERVAL_MS) {
        lookedAtMs = nowMs;
        shortage = look(folder);
      }
      return shortage;
    },
  };
}

function look(folder: string): string | null {
  try {
    const { bavail, blocks, bsize } = statfsSync(folder);
    const reserve = Math.min(RESERVE_BYTES_MAX, blocks * bsize * RESERVE_SHARE);
    const free = bavail * bsize;
    if (free >= reserve) return null;
    return `${mebibytes(free)} MiB are free where the log is, ${mebibytes(reserve)} MiB are kept for what already runs`;
  } catch {
    return null;
  }
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
