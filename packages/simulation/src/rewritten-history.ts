import { BerthError } from "@berth/protocol";
import type { Random } from "@berth/runtime";
import { demand } from "./judge/violation.ts";
import type { SimulatedCluster } from "./world/simulated-cluster.ts";

/** Entries before the last that may be tampered with, as far as no snapshot covers them. */
const TAMPERED_MAX = 5;
const NOTICED_WITHIN_MS = 15_000;

/**
 * The last scene: an engine that has changed what it stored, as a disk that lied can, or that has lost
 * every snapshot that stands for the log's start. Every scheduler that starts must notice and refuse to
 * guess. Does nothing with a log too short for it.
 */
export async function rewriteHistory(cluster: SimulatedCluster, random: Random): Promise<void> {
  const { first } = cluster.stream.bounds;
  if (first > 1 && random.below(2) === 0) await loseSnapshots(cluster, first);
  else await changeEntry(cluster, random);
}

async function loseSnapshots(cluster: SimulatedCluster, first: number): Promise<void> {
  cluster.tell("== every snapshot is lost");
  await startAnew(cluster, () => {
    cluster.shelf.loseAll();
    for (const { folder } of cluster.schedulers) folder.loseAll();
  });
  requireRefusals(cluster, "although the log's start is gone", `entries 1 to ${first - 1}`);
}

async function changeEntry(cluster: SimulatedCluster, random: Random): Promise<void> {
  const { stream } = cluster;
  const { last } = stream.bounds;
  const from = Math.max(2, newestSnapshot(cluster), last - TAMPERED_MAX);
  if (from >= last) return;
  const seq = from + random.below(last - from);
  const stored = stream.entryAt(seq);
  if (stored === null) return;
  const entry = JSON.parse(new TextDecoder().decode(stored.bytes)) as Record<string, unknown>;
  const isForeign = random.below(2) === 0;
  const changed = isForeign ? { ...entry, v: 99 } : { ...entry, atUnixMs: 1 };
  cluster.tell(`== the engine changes entry ${seq}`);
  await startAnew(cluster, () => {
    stream.rewrite(seq, new TextEncoder().encode(JSON.stringify(changed)));
  });
  const named = `entry ${isForeign ? seq : seq + 1}`;
  requireRefusals(cluster, `although entry ${seq} was changed`, named);
}

/** What is older than that, nobody reads any more. */
function newestSnapshot({ shelf, schedulers }: SimulatedCluster): number {
  const shelves = [shelf, ...schedulers.map(({ folder }) => folder)];
  return Math.max(...shelves.map((one) => one.newest(1)[0]?.seq ?? 0));
}

async function startAnew(cluster: SimulatedCluster, meanwhile: () => void): Promise<void> {
  cluster.mayGiveUp = true;
  for (const scheduler of cluster.schedulers) scheduler.kill();
  meanwhile();
  for (const scheduler of cluster.schedulers) scheduler.start();
  await cluster.run(NOTICED_WITHIN_MS);
}

function requireRefusals(cluster: SimulatedCluster, although: string, named: string): void {
  cluster.guard(() => {
    for (const { name } of cluster.schedulers) {
      const cause = cluster.givenUp.get(name);
      demand(cause !== undefined, "INV4", () => `${name} goes on ${although}`);
      const isPrecise =
        cause instanceof BerthError && cause.code === "invalid" && cause.message.includes(named);
      demand(isPrecise, "INV4", () => `${name} gives up without saying where: ${cause.message}`);
    }
  });
}
