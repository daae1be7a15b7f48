import { BerthError } from "@berth/protocol";
import type { Random } from "@berth/runtime";
import { demand } from "./judge/violation.ts";
import type { SimulatedCluster } from "./world/simulated-cluster.ts";

/** Entries before the last that may be tampered with: what a snapshot would not cover. */
const TAMPERED_MAX = 5;
const NOTICED_WITHIN_MS = 15_000;

/**
 * The last scene: an engine that has changed what it stored, as a disk that lied can. Every
 * scheduler that starts must notice and refuse to guess. Does nothing with a log too short for it.
 */
export async function rewriteHistory(cluster: SimulatedCluster, random: Random): Promise<void> {
  const { stream } = cluster;
  const seq = stream.bounds.last - 1 - random.below(TAMPERED_MAX);
  const stored = stream.entryAt(seq);
  if (stored === null || seq < 2) return;
  const entry = JSON.parse(new TextDecoder().decode(stored.bytes)) as Record<string, unknown>;
  const isForeign = random.below(2) === 0;
  const changed = isForeign ? { ...entry, v: 99 } : { ...entry, atUnixMs: 1 };
  cluster.tell(`== the engine changes entry ${seq}`);
  cluster.mayGiveUp = true;
  for (const scheduler of cluster.schedulers) scheduler.kill();
  stream.rewrite(seq, new TextEncoder().encode(JSON.stringify(changed)));
  for (const scheduler of cluster.schedulers) scheduler.start();
  await cluster.run(NOTICED_WITHIN_MS);
  cluster.guard(() => {
    for (const { name } of cluster.schedulers) {
      const cause = cluster.givenUp.get(name);
      demand(
        cause !== undefined,
        "INV4",
        () => `${name} goes on although entry ${seq} was changed`,
      );
      const isCoded = cause instanceof BerthError && cause.code === "invalid";
      const named = isForeign ? seq : seq + 1;
      const isPrecise = isCoded && cause.message.includes(`entry ${named}`);
      demand(isPrecise, "INV4", () => `${name} gives up without saying where: ${cause?.message}`);
    }
  });
}
