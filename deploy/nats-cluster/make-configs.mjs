/**
 * Writes what a replicated log on three machines needs: a configuration for each server, the
 * credentials of each role, and a home for operators. See the README beside this file.
 *
 *     node deploy/nats-cluster/make-configs.mjs --out cluster \
 *       --host a=10.0.0.1 --host b=10.0.0.2 --host c=10.0.0.3 [--agent r1-s01 …] [--tls]
 */
import { chmod, cp, mkdir, readdir, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const CLIENT_PORT = 4222;
const ROUTE_PORT = 6222;
const STATE = "/var/lib/berth/nats";
const LOGS = "/var/log/berth";
const TLS = "/etc/berth/tls";
const SERVERS = 3;

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function main() {
  const { out, hosts, agents, isTls } = readOptions();
  const runtime = await loadRuntime();
  const { CLUSTER_ADVISED_VERSION, prepareCredentials, prepareRouteSecret, writeNatsConfig } =
    runtime;
  const folder = join(out, "credentials");
  const credentials = await prepareCredentials(folder);
  const routeSecret = await prepareRouteSecret(folder);
  const agentKeys = await agentCredentials(join(folder, "agents"), agents, runtime);
  const routes = hosts.map(({ address }) => ({ host: address, port: ROUTE_PORT }));
  for (const { name, address } of hosts) {
    await writeNatsConfig(join(out, name, "nats.conf"), {
      host: address,
      port: CLIENT_PORT,
      serverVersion: CLUSTER_ADVISED_VERSION,
      storeFolder: join(STATE, "store"),
      pidFile: join(STATE, "nats.pid"),
      logFile: join(LOGS, "nats.log"),
      credentials,
      agentKeys,
      cluster: {
        serverName: name,
        listen: { host: address, port: ROUTE_PORT },
        routes,
        routeSecret,
        ...(isTls ? { tls: tlsFiles() } : {}),
      },
    });
    process.stdout.write(`${join(out, name, "nats.conf")}\n`);
  }
  const natsUrl = hosts.map(({ address }) => `nats://${address}:${CLIENT_PORT}`).join(",");
  await writeOperatorHome(join(out, "operator"), natsUrl, credentials);
  process.stdout.write(`${join(out, "operator", "cluster.json")}\n\nAddresses: ${natsUrl}\n`);
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      out: { type: "string" },
      host: { type: "string", multiple: true },
      agent: { type: "string", multiple: true },
      tls: { type: "boolean", default: false },
    },
  });
  const hosts = (values.host ?? []).map(parseHost);
  const names = new Set(hosts.map(({ name }) => name));
  if (values.out === undefined || hosts.length !== SERVERS || names.size !== SERVERS) {
    throw new Error("needed: --out <folder> and --host <name>=<address> three times");
  }
  const agents = values.agent ?? [];
  const wrong = agents.find((name) => !/^[a-z0-9][a-z0-9-]{0,62}$/.test(name));
  if (wrong !== undefined) throw new Error(`--agent is a node's name, not '${wrong}'`);
  return { out: resolve(values.out), hosts, agents, isTls: values.tls };
}

/** @param {string} text */
function parseHost(text) {
  const [, name, address] = /^([a-z0-9][a-z0-9-]{0,62})=(.+)$/.exec(text) ?? [];
  if (name === undefined || address === undefined || !isHost(address)) {
    throw new Error(`--host is <name>=<address>, such as a=10.0.0.1; not '${text}'`);
  }
  return { name, address: isIP(address) === 6 ? `[${address}]` : address };
}

/** @param {string} address */
function isHost(address) {
  return isIP(address) !== 0 || /^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?$/.test(address);
}

/**
 * A key for each agent of this and of every earlier run: their public halves.
 *
 * @param {string} folder
 * @param {readonly string[]} names
 * @param {typeof import("@berth/runtime/nats-server")} runtime
 */
async function agentCredentials(folder, names, { prepareCredential }) {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const known = (await readdir(folder)).flatMap((file) => /^(.+)\.nk$/.exec(file)?.[1] ?? []);
  const all = [...new Set([...known, ...names])].toSorted((a, b) => (a < b ? -1 : 1));
  const credentials = await Promise.all(all.map((name) => prepareCredential(folder, name)));
  return credentials.map(({ publicKey }) => publicKey);
}

function tlsFiles() {
  return {
    certFile: join(TLS, "server.pem"),
    keyFile: join(TLS, "server-key.pem"),
    caFile: join(TLS, "ca.pem"),
  };
}

/**
 * What `berth --home <folder>` needs to reach the cluster, and nothing that lets it do more.
 *
 * @param {string} home
 * @param {string} natsUrl
 * @param {import("@berth/runtime/nats-server").Credentials} credentials
 */
async function writeOperatorHome(home, natsUrl, credentials) {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const seedFile = "operator.nk";
  await cp(credentials.operator.seedFile, join(home, seedFile));
  await chmod(join(home, seedFile), 0o600);
  const operator = { publicKey: credentials.operator.publicKey, seedFile: join(home, seedFile) };
  const file = {
    v: 1,
    ready: true,
    replicas: SERVERS,
    natsUrl,
    consoleUrl: "http://127.0.0.1:7480",
    ports: { nats: CLIENT_PORT, console: 7480 },
    credentials: { operator },
    supervisor: null,
    children: {},
  };
  await writeFile(join(home, "cluster.json"), `${JSON.stringify(file, null, 2)}\n`, {
    mode: 0o600,
  });
}

async function loadRuntime() {
  try {
    return await import("../../packages/runtime/dist/nats-server/index.js");
  } catch (cause) {
    throw new Error("build first: npm install && npm run build", { cause });
  }
}
