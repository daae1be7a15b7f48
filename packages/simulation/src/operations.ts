import type { WorkloadInput } from "@berth/protocol";
import type { Random } from "@berth/runtime";
import type { SimulatedCluster } from "./world/simulated-cluster.ts";

const NAMES = ["api", "etl", "web", "cron", "train", "proxy"] as const;

/** What operators do all day, at random. Returns what was done, for the transcript. */
export function operate(cluster: SimulatedCluster, random: Random): string {
  const { operator } = cluster;
  const name = NAMES[random.below(NAMES.length)] ?? "api";
  const node = cluster.nodes[random.below(cluster.nodes.length)]?.description.name ?? "";
  switch (random.below(10)) {
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
      operator.write("node.drain", { node, deadlineMs: 1_000 * random.below(60) });
      return `drain ${node}`;
    case 4:
    case 5:
      operator.write("node.uncordon", { node });
      return `uncordon ${node}`;
    default: {
      const workload = anyWorkload(name, random);
      operator.apply([workload]);
      return `apply ${workload.kind} ${name}`;
    }
  }
}

/** A name keeps its kind, as it does in life; everything else is drawn anew. */
function anyWorkload(name: (typeof NAMES)[number], random: Random): WorkloadInput {
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
    constraints: random.below(5) === 0 ? [`node.labels.rack == r${random.below(2)}`] : [],
    restart: { attempts: 2, within: "30s", backoff: "500ms..5s" },
    stop: { grace: "3s" },
  } as const;
  const count = random.below(7);
  const revision = String(random.below(4));
  switch (name) {
    case "etl":
    case "cron":
    case "train":
      return {
        ...common,
        kind: "batch",
        count: 1 + count,
        task: { command: ["work"], env: { SIM_KIND: "batch", REVISION: revision } },
      };
    case "proxy":
      return {
        ...common,
        kind: "system",
        task: { command: ["proxy"], env: { REVISION: revision } },
      };
    default:
      return {
        ...common,
        kind: "service",
        count,
        task: { command: ["serve"], env: { REVISION: revision } },
        update: { maxUnavailable: 1 + random.below(3) },
      };
  }
}
