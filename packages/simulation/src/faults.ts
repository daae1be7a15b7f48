import type { Random } from "@berth/runtime";
import type { SimulatedCluster } from "./world/simulated-cluster.ts";
import type { SimulatedNode } from "./world/simulated-node.ts";
import type { SimulatedScheduler } from "./world/simulated-scheduler.ts";

/** One kind of mishap: does it now, and undoes it later by itself where it is not momentary. */
type Fault = (cluster: SimulatedCluster, random: Random) => string;

function oneOf<T>(random: Random, items: readonly T[]): T | null {
  return items.length === 0 ? null : (items[random.below(items.length)] ?? null);
}

function later(cluster: SimulatedCluster, delayMs: number, run: () => void): void {
  cluster.timeline.schedule(cluster.timeline.nowMs + delayMs, run);
}

function between(random: Random, minMs: number, maxMs: number): number {
  return minMs + random.below(maxMs - minMs + 1);
}

function anyScheduler(cluster: SimulatedCluster, random: Random): SimulatedScheduler | null {
  const leading = cluster.schedulers.filter(({ isLeading }) => isLeading);
  // The leader is where faults hurt; a standby only now and then.
  return random.below(4) > 0 && leading.length > 0
    ? oneOf(random, leading)
    : oneOf(random, cluster.schedulers);
}

const anyNode = (cluster: SimulatedCluster, random: Random): SimulatedNode | null =>
  oneOf(random, cluster.nodes);

export const faults = {
  schedulerKilled: (cluster, random) => {
    const victim = anyScheduler(cluster, random);
    victim?.kill();
    later(cluster, between(random, 10, 5_000), () => victim?.start());
    return victim?.name ?? "";
  },
  schedulerFrozen: (cluster, random) => {
    const victim = anyScheduler(cluster, random);
    victim?.freeze();
    later(cluster, between(random, 500, 30_000), () => victim?.thaw());
    return victim?.name ?? "";
  },
  schedulerCutOff: (cluster, random) => {
    const victim = anyScheduler(cluster, random);
    const link = victim?.link;
    const directions = random.below(3);
    if (directions !== 0) link?.sever("there");
    if (directions !== 1) link?.sever("back");
    later(cluster, between(random, 500, 20_000), () => link?.heal());
    return victim?.name ?? "";
  },
  schedulerWeather: (cluster, random) => {
    const victim = anyScheduler(cluster, random);
    const link = victim?.link;
    if (link) {
      link.weather = {
        delayMinMs: 0,
        delayMaxMs: between(random, 10, 1_500),
        lossPermille: random.below(300),
        duplicatePermille: 0,
      };
      later(cluster, between(random, 1_000, 15_000), () => link.heal());
    }
    return victim?.name ?? "";
  },
  engineElection: (cluster, random) => {
    cluster.stream.electing = true;
    later(cluster, between(random, 100, 8_000), () => (cluster.stream.electing = false));
    return "the stream has no leader";
  },
  engineDiskFull: (cluster, random) => {
    cluster.stream.full = true;
    later(cluster, between(random, 100, 10_000), () => (cluster.stream.full = false));
    return "the stream has no room";
  },
  agentKilled: (cluster, random) => {
    const node = anyNode(cluster, random);
    node?.crashAgent();
    later(cluster, between(random, 10, 15_000), () => node?.startAgent());
    return node?.description.name ?? "";
  },
  nodeRebooted: (cluster, random) => {
    const node = anyNode(cluster, random);
    node?.reboot();
    later(cluster, between(random, 1_000, 40_000), () => node?.startAgent());
    return node?.description.name ?? "";
  },
  nodeCutOff: (cluster, random) => {
    const node = anyNode(cluster, random);
    const link = node?.link;
    const directions = random.below(3);
    if (directions !== 0) link?.sever("there");
    if (directions !== 1) link?.sever("back");
    later(cluster, between(random, 500, 30_000), () => link?.heal());
    return node?.description.name ?? "";
  },
  nodeFrozen: (cluster, random) => {
    const node = anyNode(cluster, random);
    const clock = node?.clock;
    const link = node?.link;
    clock?.freeze();
    link?.freeze();
    later(cluster, between(random, 500, 20_000), () => {
      clock?.thaw();
      link?.thaw();
    });
    return node?.description.name ?? "";
  },
  nodeWeather: (cluster, random) => {
    const node = anyNode(cluster, random);
    const link = node?.link;
    if (link) {
      link.weather = {
        delayMinMs: 0,
        delayMaxMs: between(random, 10, 3_000),
        lossPermille: random.below(400),
        duplicatePermille: random.below(100),
      };
      later(cluster, between(random, 1_000, 20_000), () => link.heal());
    }
    return node?.description.name ?? "";
  },
  clockJump: (cluster, random) => {
    const byMs = between(random, -60_000, 60_000);
    const node = anyNode(cluster, random);
    node?.jumpWall(byMs);
    cluster.schedulers[random.below(cluster.schedulers.length)]?.clock?.jumpWall(byMs);
    return `${byMs} ms`;
  },
  taskCrashed: (cluster, random) => {
    const node = anyNode(cluster, random);
    const id = node === null ? null : oneOf(random, node.runningIds());
    if (id !== null) node?.crashTask(id);
    return id ?? "none";
  },
} satisfies Record<string, Fault>;

export type FaultKind = keyof typeof faults;
export const faultKinds = Object.keys(faults) as FaultKind[];

/** Ends every fault at once. What was killed starts again. */
export function healEverything(cluster: SimulatedCluster): void {
  cluster.stream.electing = false;
  cluster.stream.full = false;
  for (const scheduler of cluster.schedulers) {
    scheduler.thaw();
    scheduler.link?.heal();
    scheduler.start();
  }
  for (const node of cluster.nodes) {
    node.clock?.thaw();
    node.link?.thaw();
    node.link?.heal();
    node.startAgent();
  }
}
