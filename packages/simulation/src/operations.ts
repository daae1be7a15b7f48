import type { WorkloadInput } from "@berth/protocol";
import type { Random } from "@berth/runtime";
import type { SimulatedCluster } from "./world/simulated-cluster.ts";
import { START_UNIX_MS } from "./world/timeline.ts";

const NAMES = ["api", "etl", "web", "cron", "train", "proxy"] as const;
type Name = (typeof NAMES)[number];

/** Whose each workload is: one project of its own, two that share a parent. */
const PROJECTS: Readonly<Record<Name, string>> = {
  api: "default",
  web: "default",
  proxy: "default",
  cron: "team",
  etl: "data",
  train: "lab",
};

/** What operators do all day, at random. Returns what was done, for the transcript. */
export function operate(cluster: SimulatedCluster, random: Random): string {
  const { operator } = cluster;
  const name = NAMES[random.below(NAMES.length)] ?? "api";
  const workload = `${PROJECTS[name]}/${name}`;
  const node = cluster.nodes[random.below(cluster.nodes.length)]?.name ?? "";
  switch (random.below(20)) {
    case 0:
      operator.write("workload.stop", { workload });
      return `stop ${name}`;
    case 1:
      operator.write("workload.remove", { workload });
      return `rm ${name}`;
    case 2:
      operator.write("node.cordon", { node, reason: "simulated" });
      return `cordon ${node}`;
    case 3:
      return drain(cluster, random, node);
    case 4:
    case 5:
      operator.write("node.uncordon", { node });
      return `uncordon ${node}`;
    case 6:
      operator.write("node.remove", { node });
      return `forget ${node}`;
    case 7:
    case 8:
      return change(cluster, name, { count: random.below(7) }, "scale");
    case 9:
    case 10: {
      const task = { command: ["serve"], env: { REVISION: random.token(4) } };
      return change(cluster, name, { task }, "upgrade");
    }
    case 11:
    case 12:
      return configure(cluster, random);
    case 13:
      return reserve(cluster, random);
    case 14:
    case 15:
      return move(cluster, random);
    default: {
      const submitted = anyWorkload(name, random);
      operator.apply([submitted]);
      return `apply ${submitted.kind} ${name}`;
    }
  }
}

/** Limits that are sometimes too tight for what runs, and guarantees that others have borrowed. */
function configure({ operator }: SimulatedCluster, random: Random): string {
  const name = ["default", "data", "lab", "org", "team"][random.below(5)] ?? "org";
  if (random.below(8) === 0) {
    operator.write("project.remove", { project: name });
    return `forget project ${name}`;
  }
  if (random.below(8) === 0) {
    // Of a pool that no node is in: the judge counts each core once.
    operator.write("pool.configure", {
      pool: { name: "spare", cpuOvercommit: 1 + random.below(3) },
    });
    return "pool spare";
  }
  const isPart = name === "data" || name === "lab";
  const amounts = (most: number) => ({
    cpu: random.below(3) === 0 ? null : `${500 * (1 + random.below(most))}m`,
    memory: random.below(2) === 0 ? null : `${512 * (1 + random.below(most))}MiB`,
  });
  const project = {
    name,
    weight: 1 + random.below(4),
    mayBorrow: random.below(4) !== 0,
    limit: { ...amounts(16), gpu: random.below(3) === 0 ? random.below(3) : null },
    guaranteed: random.below(2) === 0 ? null : amounts(4),
  };
  operator.write("project.configure", { project: { name: "org" } });
  operator.write("project.configure", {
    project: isPart ? { ...project, parent: "org" } : project,
  });
  return `project ${name}`;
}

/** From soon on for a while, or never mind. */
function reserve({ operator, timeline }: SimulatedCluster, random: Random): string {
  const id = `r${1 + random.below(4)}`;
  if (random.below(3) === 0) {
    operator.write("reservation.remove", { reservation: id });
    return `give up ${id}`;
  }
  const from = START_UNIX_MS + Math.floor(timeline.nowMs) + 1_000 * random.below(30);
  const to = from + 1_000 * (5 + random.below(60));
  const reservation = { project: "lab", from, to, nodes: 1 + random.below(2) };
  operator.write("reservation.make", { reservation });
  return `reserve ${reservation.nodes} nodes`;
}

function drain({ operator }: SimulatedCluster, random: Random, node: string): string {
  const deadlineMs = random.below(3) === 0 ? null : 1_000 * random.below(60);
  operator.write("node.drain", { node, deadlineMs, ignoreSystem: random.below(2) === 0 });
  return `drain ${node} within ${deadlineMs} ms`;
}

/** Something that runs is to go on elsewhere: on a node that is named, or wherever there is room. */
function move(cluster: SimulatedCluster, random: Random): string {
  const { allocations, nodes } = cluster.reference.state;
  const running = [...allocations.values()].filter(({ status }) => status === "running");
  const allocation = running[random.below(running.length + 1)];
  if (!allocation) return "move nothing";
  const target = [...nodes.values()][random.below(nodes.size + 1)]?.description.name ?? null;
  cluster.operator.write("allocation.move", { allocation: allocation.id, node: target });
  return `move ${allocation.id} to ${target ?? "anywhere"}`;
}

/** The workload as it was last submitted, with something changed; nothing if it never was. */
function change(
  { operator }: SimulatedCluster,
  name: Name,
  changes: { count?: number; task?: { command: string[]; env: Record<string, string> } },
  word: string,
): string {
  const last = operator.lastApplied(name);
  if (last === null) return `${word} ${name}, which is not there`;
  const { task } = changes;
  // A batch stays one: the machine knows by its environment.
  const env = { ...last.task.env, ...task?.env };
  const count = last.kind === "system" ? {} : { count: changes.count ?? last.count ?? 1 };
  operator.apply([{ ...last, ...count, task: { ...last.task, env } }]);
  return `${word} ${name}`;
}

/** A name keeps its kind, as it does in life; everything else is drawn anew. */
function anyWorkload(name: Name, random: Random): WorkloadInput {
  const common = {
    name,
    project: PROJECTS[name],
    priority: 10 * random.below(10),
    resources: {
      cpu: `${100 * (1 + random.below(15))}m`,
      memory: `${64 * (1 + random.below(32))}MiB`,
      ...(random.below(4) === 0 ? { disk: `${512 * (1 + random.below(4))}MiB` } : {}),
      ...(random.below(4) === 0 ? { network: `${50 * (1 + random.below(6))}Mbps` } : {}),
      ...(name === "train" ? { gpu: { count: 1 + random.below(2) } } : {}),
    },
    ports: random.below(3) === 0 ? { http: {}, admin: {} } : {},
    movable: random.below(3) > 0,
    ...(random.below(3) === 0
      ? { preemption: { preempts: random.below(3) > 0, preemptible: random.below(3) > 0 } }
      : {}),
    ...(random.below(5) === 0 ? { disruption: { maxUnavailable: random.below(4) } } : {}),
    constraints: random.below(5) === 0 ? [`node.labels.rack == r${random.below(2)}`] : [],
    restart: { attempts: 2, within: "30s", backoff: "500ms..5s" },
    stop: { grace: "3s" },
  } as const;
  const count = random.below(7);
  const env = { REVISION: String(random.below(4)) };
  const gang = anyGang(random);
  switch (name) {
    case "etl":
    case "cron":
    case "train":
      return {
        ...common,
        ...gang,
        kind: "batch",
        count: 1 + count,
        task: { command: ["work"], env: { ...env, SIM_KIND: "batch" } },
        ...(random.below(2) === 0 ? { timeLimit: `${5 + random.below(60)}s` } : {}),
      };
    case "proxy":
      return { ...common, kind: "system", task: { command: ["proxy"], env } };
    default: {
      const hasCheck = random.below(2) === 0;
      return {
        ...common,
        ...gang,
        kind: "service",
        count,
        task: { command: ["serve"], env },
        update: { maxUnavailable: 1 + random.below(3) },
        ...(hasCheck ? { ports: { http: {} }, check: CHECK } : {}),
      };
    }
  }
}

/** A third are gangs, some of them on servers of one rack. */
function anyGang(random: Random): { gang?: true | { within: string } } {
  switch (random.below(6)) {
    case 0:
      return { gang: true };
    case 1:
      return { gang: { within: "rack" } };
    default:
      return {};
  }
}

const CHECK = { tcp: { port: "http" }, interval: "2s", failures: 2, startPeriod: "6s" } as const;
