import { watch } from "node:fs";
import type { Clock } from "@berth/runtime";

/** Calls `onChange` soon after something in the folder, or the file, changes; perhaps too often. */
export function watchPath(
  watched: string,
  clock: Clock,
  fallbackMs: number,
  onChange: () => void,
): { close(): void } {
  try {
    const watcher = watch(watched, { persistent: false }, onChange);
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch {
    // Out of watches (fs.inotify.max_user_watches), or the folder is gone.
    const timer = clock.every(fallbackMs, onChange);
    return { close: () => timer.cancel() };
  }
}
