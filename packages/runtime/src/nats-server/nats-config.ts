import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { LOG_STREAM, SNAPSHOT_STREAM } from "@berth/protocol";
import type { Credentials, NatsRole } from "./credentials.ts";
import { canSync } from "./supported-versions.ts";

export interface NatsConfigOptions {
  /** Where clients come in. Default: loopback. */
  readonly host?: string;
  /** 0 lets the server choose a free one; the ports file tells which. */
  readonly port: number;
  readonly serverVersion: string;
  readonly storeFolder: string;
  readonly pidFile: string;
  /** Gets a file with the ports that the server took; without it, none. */
  readonly portsFolder?: string;
  readonly logFile: string;
  readonly credentials: Credentials;
  /** More agents than the embedded one: their public keys. */
  readonly agentKeys?: readonly string[];
  /** As one of several servers that keep the log together; without it the server is alone. */
  readonly cluster?: ClusterMembership;
}

/** What makes a server one of several. */
export interface ClusterMembership {
  /** Of this server; no two of a cluster may share it. */
  readonly serverName: string;
  /** Where this one listens for the others. */
  readonly listen: Address;
  /** Where all of them do, this one included. */
  readonly routes: readonly Address[];
  /** Lets servers into the cluster. It has letters and digits only. */
  readonly routeSecret: string;
  /** Servers prove to each other who they are, and nobody else reads what they say. */
  readonly tls?: TlsFiles;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** In PEM; the certificate is for both directions, and signed by what `caFile` has. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
}

const LOG_FILE_BYTES_MAX = 8 * 1024 * 1024;
const LOOPBACK = "127.0.0.1";
const CLUSTER_NAME = "berth";
const ROUTE_USER = "route";
/**
 * A client that is cut off without a word is forgotten after about three of these, and with it what
 * it has subscribed to: the server's default of two minutes would lose requests for as long.
 */
const PING_INTERVAL_MS = 5_000;
const PINGS_UNANSWERED_MAX = 2;

interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** May answer the requests it receives, whatever the reply subject. */
  readonly responds: boolean;
}

/** Writes the file whole or not at all, for its owner only: a cluster's has the secret of its routes. */
export async function writeNatsConfig(file: string, options: NatsConfigOptions): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}.new`;
  await writeFile(draft, renderNatsConfig(options), { mode: 0o600 });
  await rename(draft, file);
}

/**
 * Loopback unless told otherwise, one account with JetStream, every user an nkey with its own permissions, and an
 * own system account: with users listed there, nobody gets in without a key.
 */
export function renderNatsConfig(options: NatsConfigOptions): string {
  const { credentials } = options;
  const agents = [credentials.agent.publicKey, ...(options.agentKeys ?? [])];
  const users = [
    user(
      credentials.scheduler.publicKey,
      permissionsOf("scheduler", credentials.scheduler.publicKey),
    ),
    user(credentials.gateway.publicKey, permissionsOf("gateway", credentials.gateway.publicKey)),
    user(credentials.operator.publicKey, permissionsOf("operator", credentials.operator.publicKey)),
    ...[...new Set(agents)].map((key) => user(key, permissionsOf("agent", key))),
  ];
  const port = options.port === 0 ? -1 : options.port;
  const sync = canSync(options.serverVersion) ? "\n  sync_interval: always" : "";
  return `# Written by Berth; edits are lost when it writes again.
listen: ${quote(`${options.host ?? LOOPBACK}:${port}`)}
server_name: ${quote(options.cluster?.serverName ?? "berth")}
pid_file: ${quote(options.pidFile)}
${options.portsFolder === undefined ? "" : `ports_file_dir: ${quote(options.portsFolder)}\n`}log_file: ${quote(options.logFile)}
logfile_size_limit: ${LOG_FILE_BYTES_MAX}
ping_interval: "${PING_INTERVAL_MS}ms"
ping_max: ${PINGS_UNANSWERED_MAX}
${options.cluster === undefined ? "" : renderCluster(options.cluster)}jetstream {
  store_dir: ${quote(options.storeFolder)}${sync}
}
accounts {
  BERTH {
    jetstream: enabled
    users: [
${users.join("\n")}
    ]
  }
  SYS {}
}
system_account: SYS
`;
}

function renderCluster({ listen, routes, routeSecret, tls }: ClusterMembership): string {
  const urls = routes.map(
    ({ host, port }) => `nats-route://${ROUTE_USER}:${routeSecret}@${host}:${port}`,
  );
  return `cluster {
  name: ${quote(CLUSTER_NAME)}
  listen: ${quote(`${listen.host}:${listen.port}`)}
  authorization { user: ${quote(ROUTE_USER)}, password: ${quote(routeSecret)} }
  routes: ${list(urls)}
${tls === undefined ? "" : renderTls(tls)}}
`;
}

function renderTls({ certFile, keyFile, caFile }: TlsFiles): string {
  const files = `cert_file: ${quote(certFile)}, key_file: ${quote(keyFile)}, ca_file: ${quote(caFile)}`;
  return `  tls { ${files}, verify: true }\n`;
}

/** What each role may do; everything else is refused by the server. */
function permissionsOf(role: NatsRole, publicKey: string): Permissions {
  const inbox = `_INBOX.${publicKey}.>`;
  switch (role) {
    case "scheduler":
      return {
        publish: ["berth.>", "_INBOX.>", "$JS.API.>", "$JS.ACK.>", "$JS.FC.>"],
        subscribe: ["berth.>", inbox],
        responds: false,
      };
    case "agent":
      return {
        publish: [`berth.agent.${publicKey}.>`],
        subscribe: [`berth.node.${publicKey}.>`, inbox],
        responds: true,
      };
    case "gateway":
      return {
        publish: [
          "berth.api.>",
          "berth.node.*.logs",
          ...reading(LOG_STREAM),
          ...reading(SNAPSHOT_STREAM),
        ],
        subscribe: ["berth.agent.*.beat", "berth.agent.*.usage", "berth.agent.*.health", inbox],
        responds: false,
      };
    case "operator":
      return {
        publish: ["berth.api.>", "berth.node.*.logs"],
        subscribe: ["berth.agent.*.beat", "berth.agent.*.usage", inbox],
        responds: false,
      };
  }
}

/** What reading a stream takes: its bounds, single messages and ordered consumers. */
function reading(stream: string): string[] {
  return [
    "$JS.API.INFO",
    `$JS.API.STREAM.INFO.${stream}`,
    `$JS.API.STREAM.MSG.GET.${stream}`,
    `$JS.API.DIRECT.GET.${stream}`,
    `$JS.API.DIRECT.GET.${stream}.>`,
    `$JS.API.CONSUMER.CREATE.${stream}`,
    `$JS.API.CONSUMER.CREATE.${stream}.>`,
    `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.*`,
    `$JS.API.CONSUMER.INFO.${stream}.*`,
    `$JS.API.CONSUMER.DELETE.${stream}.*`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.*`,
    `$JS.ACK.${stream}.>`,
    `$JS.FC.${stream}.>`,
  ];
}

function user(publicKey: string, { publish, subscribe, responds }: Permissions): string {
  const fields = [
    `publish: ${list(publish)}`,
    `subscribe: ${list(subscribe)}`,
    ...(responds ? ["allow_responses: true"] : []),
  ];
  return `      { nkey: ${publicKey}, permissions: { ${fields.join(", ")} } }`;
}

function list(items: readonly string[]): string {
  return `[${items.map(quote).join(", ")}]`;
}

/** The configuration language knows JSON's escapes within double quotes. */
function quote(text: string): string {
  return JSON.stringify(text);
}
