import { BerthError } from "@berth/protocol";
import { isAtLeast } from "./version.ts";

/** The oldest server whose stream sequence guard was tried and holds (one server, no cluster). */
export const MINIMUM_VERSION = "2.9.10";

/** The oldest server in whose clusters no acknowledged append was lost when servers were killed. */
export const CLUSTER_MINIMUM_VERSION = "2.10.27";

/** Older ones work in a cluster, but faults of theirs are known that this one has mended. */
export const CLUSTER_ADVISED_VERSION = "2.12.0";

/** The oldest server that can be told to sync its disk before it acknowledges. */
const SYNC_VERSION = "2.10.0";

/** How many servers keep the log: one, or three of which one may be gone. */
export const replicaCounts = [1, 3] as const;
export type ReplicaCount = (typeof replicaCounts)[number];

export function minimumVersionFor(replicas: ReplicaCount): string {
  return replicas === 1 ? MINIMUM_VERSION : CLUSTER_MINIMUM_VERSION;
}

export function canSync(version: string): boolean {
  return isAtLeast(version, SYNC_VERSION);
}

/**
 * Whether a server may keep the log, alone or as one of several. The result is what its operator
 * should know all the same, or null. Throws a `BerthError` `invalid` when it may not.
 */
export function checkServerVersion(version: string, replicas: ReplicaCount): string | null {
  if (!isAtLeast(version, MINIMUM_VERSION)) {
    throw new BerthError("invalid", `nats-server ${version} is too old; ${MINIMUM_VERSION} needed`);
  }
  if (replicas === 1) return null;
  if (!isAtLeast(version, CLUSTER_MINIMUM_VERSION)) {
    throw new BerthError(
      "invalid",
      `nats-server ${version} lost acknowledged appends in a cluster; a replicated log needs ${CLUSTER_MINIMUM_VERSION}`,
      {
        hint: `Run ${CLUSTER_ADVISED_VERSION} or newer on every server of the cluster, or keep one copy of the log on one server.`,
        details: { version, minimumVersion: CLUSTER_MINIMUM_VERSION, replicas },
      },
    );
  }
  if (isAtLeast(version, CLUSTER_ADVISED_VERSION)) return null;
  return `nats-server ${version} is old for a replicated log: ${CLUSTER_ADVISED_VERSION} mended faults that can lose data when servers are replaced while others fail`;
}
