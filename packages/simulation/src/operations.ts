import type { WorkloadInput } from "@berth/protocol";
import type { Random } from "@berth/runtime";
import type { SimulatedCluster } from "./world/simulated-cluster.ts";

const NAMES = ["api", "etl", "web", "cron", "train", "proxy"] as const;
type Name = (typeof NAMES)[number];

/** What operators do all day, at random. Returns what was done, for the transcript. */
export function operate(cluster: SimulatedCluster, random: Random): string {
  const { operator } = cluster;
  const name = NAMES[random.below(NAMES.length)] ?? "api";
  const node = cluster.nodes[random.below(cluster.nodes.length)]?.name ?? "";
  switch (random.below(16)) {
    case 0:
      operator.write("workload.stop", { workload: name });
      return `stop ${name}`;
    case 1:
      operator.write("workload.remove", { workload: name });
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
      return move(cluster, random);
    default: {
      const workload = anyWorkload(name, random);
      operator.apply([workload]);
      return `apply ${workload.kind} ${name}`;
    }
  }
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
    constraints: random.below(5) === 0 ? [`node.labels.rack == r${random.below(2)}`] : [],
    restart: { attempts: 2, within: "30s", backoff: "500ms..5s" },
    stop: { grace: "3s" },
  } as const;
  const count = random.below(7);
  const env = { REVISION: String(random.below(4)) };
  switch (name) {
    case "etl":
    case "cron":
    case "train":
      return {
        ...common,
        kind: "batch",
        count: 1 + count,
        task: { command: ["work"], env: { ...env, SIM_KIND: "batch" } },
      };
    case "proxy":
      return { ...common, kind: "system", task: { command: ["proxy"], env } };
    default: {
      const hasCheck = random.below(2) === 0;
      return {
        ...common,
        kind: "service",
        count,
        task: { command: ["serve"], env },
        update: { maxUnavailable: 1 + random.below(3) },
        ...(hasCheck ? { ports: { http: {} }, check: CHECK } : {}),
      };
    }
  }
}

const CHECK = { tcp: { port: "http" }, interval: "2s", failures: 2, startPeriod: "6s" } as const;
