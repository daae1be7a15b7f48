import { Worker } from "node:worker_threads";
import { BerthError } from "@berth/protocol";
import type { RoundOutcome } from "./snapshot-round.ts";
import type { SnapshotOrder, SnapshotReport } from "./snapshot-worker.ts";

/**
 * One round of snapshots in a thread that lives only for it: encoding a large state takes seconds,
 * and the thread that decides must not wait for any of them. If the thread runs out of memory it ends
 * alone. Rejects with the round's `BerthError`; `internal` when the thread itself fails.
 */
export function runRoundInThread(order: SnapshotOrder, stop: AbortSignal): Promise<RoundOutcome> {
  // Only what is built can be loaded by a thread: the name is that of the build.
  const worker = new Worker(new URL("./snapshot-worker.js", import.meta.url), {
    workerData: order,
  });
  const end = () => void worker.terminate();
  stop.addEventListener("abort", end, { once: true });
  return new Promise<RoundOutcome>((resolve, reject) => {
    worker.once("message", (report: SnapshotReport) => {
      if (report.ok) resolve(report.outcome);
      else reject(BerthError.fromWire(report.error));
    });
    worker.once("error", (cause) => {
      reject(new BerthError("internal", `the snapshot thread failed: ${cause.message}`, { cause }));
    });
    worker.once("exit", (code) => {
      reject(new BerthError("internal", `the snapshot thread ended with code ${code}`));
    });
  }).finally(() => stop.removeEventListener("abort", end));
}
