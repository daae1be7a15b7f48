import { type ApiParams, type Pool, PoolInput, readPolicy } from "@berth/protocol";
import { type CommandContext, type Decision, decide } from "./decision.ts";
import { refusePolicy } from "./refuse-policy.ts";

/** Says how often the cores of a pool's nodes are granted. Nodes may join the pool later. */
export function configurePool(
  { state }: CommandContext,
  { pool: document }: ApiParams<"pool.configure">,
): Decision {
  const read = readPolicy(PoolInput, document);
  if (!read.ok) return refusePolicy("pool", read.problems);
  const { name, cpuOvercommit } = read.value;
  const pool: Pool = { name, cpuOvercommitPercent: Math.round(cpuOvercommit * 100) };
  const known = state.pools.get(name)?.cpuOvercommitPercent ?? 100;
  if (known === pool.cpuOvercommitPercent) return decide([], { pool, change: "unchanged" });
  return decide([{ type: "PoolConfigured", pool }], { pool, change: "updated" });
}
