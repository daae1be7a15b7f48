import type { Random } from "@berth/runtime";
import { snapshotLimits } from "@berth/scheduler/snapshot-limits";
import { CALM, type Link } from "./world/link.ts";
import type { SimulatedCluster } from "./world/simulated-cluster.ts";
import type { SimulatedNode } from "./world/simulated-node.ts";
import type { SnapshotShelf } from "./world/snapshot-shelf.ts";
import type { SimulatedScheduler } from "./world/simulated-scheduler.ts";

/** What a fault hit, and the state in which it hit it: for the transcript and for coverage. */
export interface Hit {
  readonly what: string;
  readonly state: string;
}

/** One kind of mishap: does it now, and undoes it later by itself where it is not momentary. */
type Fault = (cluster: SimulatedCluster, random: Random) => Hit;

function oneOf<T>(random: Random, items: readonly T[]): T | null {
  return items.length === 0 ? null : (items[random.below(items.length)] ?? null);
}

function later(cluster: SimulatedCluster, delayMs: number, run: () => void): void {
  cluster.timeline.schedule(cluster.timeline.nowMs + delayMs, run);
}

function between(random: Random, minMs: number, maxMs: number): number {
  return minMs + random.below(maxMs - minMs + 1);
}

/** A fault of a scheduler. The leader is where it hurts; a standby only now and then. */
function ofScheduler(
  inflict: (victim: SimulatedScheduler, cluster: SimulatedCluster, random: Random) => void,
): Fault {
  return (cluster, random) => {
    const leading = cluster.schedulers.filter(({ isLeading }) => isLeading);
    const isLeaderMeant = random.below(4) > 0 && leading.length > 0;
    const victim = oneOf(random, isLeaderMeant ? leading : cluster.schedulers);
    if (victim === null) return { what: "none", state: "none" };
    const state = victim.mode;
    inflict(victim, cluster, random);
    return { what: victim.name, state };
  };
}

/** A fault of a server. Its state is how the log sees it. */
function ofNode(
  inflict: (victim: SimulatedNode, cluster: SimulatedCluster, random: Random) => void,
): Fault {
  return (cluster, random) => {
    const victim = oneOf(random, cluster.nodes);
    if (victim === null) return { what: "none", state: "none" };
    const state = cluster.reference.state.nodes.get(victim.id)?.status ?? "unknown";
    inflict(victim, cluster, random);
    return { what: victim.name, state };
  };
}

/** A fault of one task. Its state is how the log sees it. */
function ofTask(inflict: (victim: SimulatedNode, id: string, random: Random) => void): Fault {
  return (cluster, random) => {
    const node = oneOf(random, cluster.nodes);
    const task = node === null ? null : oneOf(random, [...node.processes()]);
    if (node === null || task === null) return { what: "none", state: "none" };
    const record = cluster.reference.state.allocations.get(task.id);
    inflict(node, task.id, random);
    return { what: task.id, state: record?.status ?? "forgotten" };
  };
}

/** A fault of the engine. Its state is whether somebody leads. */
function ofEngine(inflict: (cluster: SimulatedCluster, random: Random) => void): Fault {
  return (cluster, random) => {
    const isLed = cluster.schedulers.some(({ isLeading }) => isLeading);
    inflict(cluster, random);
    return { what: "the engine", state: isLed ? "led" : "leaderless" };
  };
}

/** A fault of a place where snapshots are. Its state is which place, and what became of what is there. */
function ofShelf(
  inflict: (shelf: SnapshotShelf, cluster: SimulatedCluster, random: Random) => string | null,
): Fault {
  return (cluster, random) => {
    const folder = oneOf(random, cluster.schedulers)?.folder ?? cluster.shelf;
    const shelf = random.below(2) === 0 ? cluster.shelf : folder;
    const how = inflict(shelf, cluster, random);
    const place = shelf === cluster.shelf ? "engine" : "folder";
    if (how === null) return { what: shelf.name, state: `${place} spared` };
    return { what: shelf.name, state: `${place} ${how}` };
  };
}

function cutOff(link: Link | null, random: Random): void {
  const directions = random.below(3);
  const isNoticed = random.below(2) === 0;
  if (directions !== 0) link?.sever("there", isNoticed);
  if (directions !== 1) link?.sever("back", isNoticed);
}

function badWeather(link: Link | null, random: Random, delayMaxMs: number): void {
  if (link === null) return;
  link.weather = {
    delayMinMs: 0,
    delayMaxMs: between(random, 10, delayMaxMs),
    lossPermille: random.below(300),
    duplicatePermille: random.below(200),
    reorderPermille: random.below(200),
    tailDelayMs: random.below(3) === 0 ? random.below(500) : 0,
  };
}

/**
 * As much as the design stands: of the newest ones that nothing is purged without, one stays whole.
 * Before there are as many nothing is purged, and all may go.
 */
function mayDamageEngine({ shelf, stream }: SimulatedCluster): boolean {
  const { keptMin } = snapshotLimits;
  const whole = shelf.newest(keptMin).filter(({ isWhole }) => isWhole);
  return whole.length > 1 || (stream.bounds.first === 1 && shelf.written < keptMin);
}

export const faults = {
  schedulerKilled: ofScheduler((victim, cluster, random) => {
    victim.kill();
    later(cluster, between(random, 10, 5_000), () => victim.start());
  }),
  schedulerFrozen: ofScheduler((victim, cluster, random) => {
    victim.freeze();
    later(cluster, between(random, 500, 30_000), () => victim.thaw());
  }),
  /** It stands still in the middle of its start, and the log goes on without it, and is purged. */
  schedulerFrozenAtStart: (cluster, random) => {
    const { schedulers } = cluster;
    const replaceable = schedulers.filter(({ isLeading }) => !isLeading);
    const victim = oneOf(random, replaceable.length > 0 ? replaceable : schedulers);
    if (victim === null) return { what: "none", state: "none" };
    const state = victim.mode;
    victim.kill();
    victim.start();
    later(cluster, between(random, 1, 40), () => victim.freeze());
    later(cluster, between(random, 10_000, 45_000), () => victim.thaw());
    return { what: victim.name, state };
  },
  schedulerCutOff: ofScheduler((victim, cluster, random) => {
    const { link } = victim;
    cutOff(link, random);
    later(cluster, between(random, 500, 20_000), () => link?.heal());
  }),
  schedulerWeather: ofScheduler((victim, cluster, random) => {
    const { link } = victim;
    badWeather(link, random, 1_500);
    later(cluster, between(random, 1_000, 15_000), () => link?.heal());
  }),
  /**
   * A leader comes back after others took over, and answers faster than they do, at the very moment
   * when an agent starts and asks.
   */
  formerLeaderThaws: (cluster, random) => {
    const { schedulers } = cluster;
    const victim = schedulers.find(({ isLeading }) => isLeading);
    if (victim === undefined) return { what: "none", state: "leaderless" };
    victim.freeze();
    const links = schedulers.filter((other) => other !== victim).map(({ link }) => link);
    const frozenMs = between(random, 3_000, 15_000);
    later(cluster, frozenMs - 1_000, () => {
      const delayMinMs = between(random, 500, 2_000);
      const slow = { ...CALM, delayMinMs, delayMaxMs: 2 * delayMinMs };
      for (const link of links) if (link) link.weather = slow;
    });
    const node = oneOf(random, cluster.nodes);
    later(cluster, frozenMs - 100, () => node?.crashAgent());
    later(cluster, frozenMs, () => victim.thaw());
    later(cluster, frozenMs + random.below(100), () => node?.startAgent());
    later(cluster, frozenMs + 5_000, () => {
      for (const link of links) link?.heal();
    });
    return { what: victim.name, state: schedulers.length > 1 ? "replaceable" : "alone" };
  },
  /** A standby that cannot keep up may have to take over all the same. */
  standbyLags: (cluster, random) => {
    const victim = oneOf(
      random,
      cluster.schedulers.filter(({ mode }) => mode === "following"),
    );
    if (victim === null) return { what: "none", state: "none" };
    const { link } = victim;
    if (link) link.weather = { ...CALM, tailDelayMs: between(random, 200, 2_000) };
    later(cluster, between(random, 5_000, 20_000), () => link?.heal());
    if (random.below(2) === 0) return { what: victim.name, state: "led" };
    const leader = cluster.schedulers.find(({ isLeading }) => isLeading);
    later(cluster, between(random, 500, 3_000), () => leader?.kill());
    later(cluster, between(random, 5_000, 15_000), () => leader?.start());
    return { what: victim.name, state: "bereft" };
  },
  engineElection: ofEngine((cluster, random) => {
    const { stream } = cluster;
    stream.electing = true;
    later(cluster, between(random, 100, 8_000), () => (stream.electing = false));
  }),
  engineDiskFull: ofEngine((cluster, random) => {
    const { stream } = cluster;
    stream.full = true;
    later(cluster, between(random, 100, 10_000), () => (stream.full = false));
  }),
  engineRestarted: ofEngine((cluster, random) => {
    const { engine } = cluster;
    engine.crash();
    later(cluster, between(random, 100, 6_000), () => engine.restart());
  }),
  engineStalls: ofEngine((cluster, random) => {
    const { stream } = cluster;
    stream.stallMaxMs = between(random, 500, 6_000);
    later(cluster, between(random, 1_000, 10_000), () => (stream.stallMaxMs = 0));
  }),
  engineLosesAnswers: ofEngine((cluster, random) => {
    const { stream } = cluster;
    stream.lostAnswersPermille = between(random, 200, 900);
    later(cluster, between(random, 1_000, 10_000), () => (stream.lostAnswersPermille = 0));
  }),
  snapshotDamaged: ofShelf((shelf, cluster, random) => {
    const isSpared = shelf === cluster.shelf && !mayDamageEngine(cluster);
    return isSpared ? null : shelf.damage(random);
  }),
  snapshotDiskFull: ofShelf((shelf, cluster, random) => {
    shelf.isFull = true;
    later(cluster, between(random, 1_000, 30_000), () => (shelf.isFull = false));
    return "full";
  }),
  snapshotDiskSlow: ofShelf((shelf, cluster, random) => {
    shelf.slownessMs = between(random, 20, 1_200);
    later(cluster, between(random, 5_000, 40_000), () => (shelf.slownessMs = 0));
    return "slow";
  }),
  /** Another machine takes its place: the snapshots of its own are gone. */
  schedulerReplaced: ofScheduler((victim, cluster, random) => {
    victim.kill();
    victim.folder.loseAll();
    later(cluster, between(random, 100, 10_000), () => victim.start());
  }),
  agentKilled: ofNode((victim, cluster, random) => {
    victim.crashAgent();
    later(cluster, between(random, 10, 15_000), () => victim.startAgent());
  }),
  nodeRebooted: ofNode((victim, cluster, random) => {
    victim.reboot();
    later(cluster, between(random, 1_000, 40_000), () => victim.startAgent());
  }),
  nodeDiskReplaced: ofNode((victim, cluster, random) => {
    victim.replaceDisk();
    later(cluster, between(random, 1_000, 40_000), () => victim.startAgent());
  }),
  nodeDiskFull: ofNode((victim, cluster, random) => {
    victim.isDiskFull = true;
    later(cluster, between(random, 500, 20_000), () => (victim.isDiskFull = false));
  }),
  nodeCutOff: ofNode((victim, cluster, random) => {
    const { link } = victim;
    cutOff(link, random);
    later(cluster, between(random, 500, 30_000), () => link?.heal());
  }),
  nodeFrozen: ofNode((victim, cluster, random) => {
    victim.freeze();
    later(cluster, between(random, 500, 20_000), () => victim.thaw());
  }),
  nodeWeather: ofNode((victim, cluster, random) => {
    const { link } = victim;
    badWeather(link, random, 8_000);
    later(cluster, between(random, 1_000, 20_000), () => link?.heal());
  }),
  nodeAdded: (cluster) => {
    const node = cluster.addNode();
    node?.startAgent();
    return { what: node?.name ?? "none", state: node === null ? "full house" : "new" };
  },
  operatorWeather: (cluster, random) => {
    const { link } = cluster.operator;
    badWeather(link, random, 8_000);
    later(cluster, between(random, 1_000, 20_000), () => link.heal());
    return { what: "operator", state: cluster.operator.pending > 0 ? "asking" : "idle" };
  },
  clockJump: (cluster, random) => {
    const byMs = between(random, -60_000, 60_000);
    oneOf(random, cluster.nodes)?.jumpWall(byMs);
    const scheduler = oneOf(random, cluster.schedulers);
    scheduler?.clock?.jumpWall(byMs);
    return { what: `${byMs} ms`, state: scheduler?.mode ?? "none" };
  },
  taskCrashed: ofTask((node, id) => node.breakTask(id as never, "SIGSEGV")),
  taskOutOfMemory: ofTask((node, id) => node.breakTask(id as never, "SIGKILL")),
  taskHung: ofTask((node, id) => {
    const task = node.tasks.get(id as never);
    if (task) task.isHung = true;
  }),
  taskSick: ofTask((node, id) => {
    const task = node.tasks.get(id as never);
    if (task) task.isSick = true;
  }),
} satisfies Record<string, Fault>;

export type FaultKind = keyof typeof faults;
export const faultKinds = Object.keys(faults) as FaultKind[];

/** Ends every fault at once. What was killed starts again. */
export function healEverything(cluster: SimulatedCluster): void {
  const { engine, stream, operator } = cluster;
  engine.restart();
  stream.electing = false;
  stream.full = false;
  stream.stallMaxMs = 0;
  stream.lostAnswersPermille = 0;
  operator.link.heal();
  for (const shelf of [cluster.shelf, ...cluster.schedulers.map(({ folder }) => folder)]) {
    shelf.isFull = false;
    shelf.slownessMs = 0;
  }
  for (const scheduler of cluster.schedulers) {
    scheduler.thaw();
    scheduler.link?.heal();
    scheduler.clock?.setWallRight();
    scheduler.start();
  }
  for (const node of cluster.nodes) {
    node.thaw();
    node.link?.heal();
    node.setWallRight();
    node.isDiskFull = false;
    for (const task of node.processes()) task.isSick = false;
    node.startAgent();
  }
}
