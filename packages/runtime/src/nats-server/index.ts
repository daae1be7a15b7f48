/**
 * Getting and running a nats-server for one machine: find or fetch the program, make the
 * credentials of each role, write a configuration that grants each role only what it needs, and
 * run it on loopback.
 *
 *     const { path } = await ensureNatsServer({ onProgress });
 *     const server = await startNatsServer({ path, home, port });
 *     connect({ servers: server.url, seedFile: server.credentials.scheduler.seedFile })
 *
 * A client must use the inbox prefix `_INBOX.<its public key>` (`subjects.inbox` of the protocol):
 * the server refuses every other one, so that nobody can read another's replies.
 */
export {
  type Credential,
  type Credentials,
  natsRoles,
  type NatsRole,
  prepareCredential,
  prepareCredentials,
  prepareRouteSecret,
} from "./credentials.ts";
export {
  ensureNatsServer,
  type EnsureOptions,
  type NatsServerProgram,
} from "./ensure-nats-server.ts";
export {
  type Address,
  type ClusterMembership,
  type NatsConfigOptions,
  renderNatsConfig,
  type TlsFiles,
  writeNatsConfig,
} from "./nats-config.ts";
export {
  type ClusterMember,
  type NatsServer,
  startNatsServer,
  type StartOptions,
} from "./start-nats-server.ts";
export {
  checkServerVersion,
  CLUSTER_ADVISED_VERSION,
  CLUSTER_MINIMUM_VERSION,
  MINIMUM_VERSION,
  minimumVersionFor,
  type ReplicaCount,
  replicaCounts,
} from "./supported-versions.ts";
