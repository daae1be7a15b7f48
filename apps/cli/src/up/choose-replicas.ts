import { existsSync } from "node:fs";
import { join } from "node:path";
import { BerthError } from "@berth/protocol";
import type { ReplicaCount } from "@berth/runtime/nats-server";

/**
 * How many servers keep this home's log: as many as did before, whatever else is lost; else as asked,
 * else one. Throws a `BerthError` `conflict` when another number is asked for: the log there is would
 * be left behind.
 */
export function chooseReplicas(home: string, asked: ReplicaCount | undefined): ReplicaCount {
  const found = replicasOf(home);
  if (found === null) return asked ?? 1;
  if (asked === undefined || asked === found) return found;
  const servers = found === 1 ? "one server" : `${found} servers`;
  throw new BerthError(
    "conflict",
    `the log in ${home} is kept by ${servers}; --replicas ${asked} would leave it behind`,
    {
      hint: `Leave --replicas out, or start another cluster: berth up --replicas ${asked} --home <folder>`,
      details: { found, asked },
    },
  );
}

function replicasOf(home: string): ReplicaCount | null {
  if (existsSync(join(home, "nats-1", "store"))) return 3;
  return existsSync(join(home, "nats", "store")) ? 1 : null;
}
