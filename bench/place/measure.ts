import { percentile, rounded } from "../cluster/statistics.ts";
import { createRandom } from "../random.ts";
import type { EngineFactory } from "./engine.ts";
import { measureMemory } from "./memory.ts";
import { hashOf, Play } from "./play.ts";
import { type Mix, placementsWanted, type Scenario } from "./scenario.ts";

/** What one mix gave on a cluster of one size. */
export interface Measurement {
  readonly nodes: number;
  readonly mix: string;
  /** Allocations placed a second, a workload's together. */
  readonly placementsPerSecond: number;
  /** The same over the processor time of the whole process: what a busy machine does not change. */
  readonly placementsPerCpuSecond: number;
  /** 99 of 100 decisions for one allocation alone took no longer. */
  readonly p99Micros: number;
  /** Fingerprint of every decision: the same everywhere for the same version. */
  readonly hash: string;
  /** What the engine keeps in memory; null where that cannot be told from noise or from a state. */
  readonly bytesPerNode: number | null;
  readonly bytesPerTask: number | null;
}

/** A decision that is not what it should be: no number is worth anything then. */
export class DecisionError extends Error {
  readonly code = "DECISION_WRONG";
  readonly retryable = false;
}

/** The small cluster on which an engine is compared with plain loops, with more work than it holds. */
const COMPARED_NODES = 24;
const COMPARED_LOAD = 4;

/** A rate is that of the fastest of several rounds: the others ran into something else. */
const ROUNDS_MIN = 2;
const ROUNDS_MAX = 50;
/** Short rounds go on for so long, so that code is compiled; long ones are given up after. */
const MEASURED_MS_MIN = 500;
const MEASURED_MS_MAX = 1_500;

/** In smaller clusters a few bytes of code weigh as much as a node. */
const MEMORY_NODES_MIN = 5_000;

/** Decisions timed one by one: enough for a 99th percentile that fifty of them are above. */
const DECISIONS_TIMED = 5_000;

/** Randomness differs from mix to mix and size to size, and not from run to run. */
export function createScenario(mix: Mix, nodeCount: number, seed: number, load = 1): Scenario {
  const letters = mix.name.split("").reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), seed);
  const random = createRandom((letters ^ Math.imul(nodeCount, 0x9e37_79b1)) >>> 0);
  return mix.create(nodeCount, random, load);
}

/** Compares every decision on a small cluster with those of plain loops; throws at the first other. */
export function compare(mix: Mix, seed: number, fast: EngineFactory, plain: EngineFactory): void {
  const scenario = createScenario(mix, COMPARED_NODES, seed, COMPARED_LOAD);
  const ours = decide(scenario, fast);
  const theirs = decide(scenario, plain);
  const at = ours.places.findIndex((node, allocation) => node !== theirs.places[allocation]);
  if (at < 0) return;
  throw new DecisionError(
    `${mix.name}: allocation ${at} of ${COMPARED_NODES} nodes went to node ${ours.places[at]},` +
      ` plain loops choose ${theirs.places[at]}`,
  );
}

/** Hashes all decisions first, then measures engines that must decide the same. */
export function measure(
  mix: Mix,
  nodeCount: number,
  seed: number,
  createEngine: EngineFactory,
): Measurement {
  const scenario = createScenario(mix, nodeCount, seed);
  const decided = decide(scenario, createEngine);
  const hash = hashOf(decided.places);
  const isBulk = mix.needs === undefined;
  const timed = timeDecisions(scenario, createEngine, hash);
  const rate = isBulk ? rateOf(scenario, createEngine, hash) : timed.rate;
  const isWeighed = isBulk && nodeCount >= MEMORY_NODES_MIN;
  return {
    nodes: nodeCount,
    mix: mix.name,
    placementsPerSecond: Math.round(rate.perSecond),
    placementsPerCpuSecond: Math.round(rate.perCpuSecond),
    p99Micros: rounded(percentile(timed.micros, 99), 2),
    hash,
    ...(isWeighed ? measureMemory(scenario, createEngine) : NO_MEMORY),
  };
}

const NO_MEMORY = { bytesPerNode: null, bytesPerTask: null };

function decide(scenario: Scenario, createEngine: EngineFactory): Play {
  const play = new Play(scenario, createEngine);
  for (const step of scenario.steps) play.take(step);
  return play;
}

interface Rate {
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

/** Placements a second over all steps, ends and nodes that come and go included. */
function rateOf(scenario: Scenario, createEngine: EngineFactory, hash: string): Rate {
  let best: Rate = { perSecond: 0, perCpuSecond: 0 };
  let tookMs = 0;
  for (let round = 0; round < ROUNDS_MAX && tookMs < MEASURED_MS_MAX; round += 1) {
    if (round >= ROUNDS_MIN && tookMs >= MEASURED_MS_MIN) break;
    const play = new Play(scenario, createEngine);
    const placedBefore = play.placed;
    const cpuBeforeMs = processorMs();
    const startedMs = performance.now();
    for (const step of scenario.steps) play.take(step);
    const ms = performance.now() - startedMs;
    const cpuMs = processorMs() - cpuBeforeMs;
    const placed = play.placed - placedBefore;
    tookMs += ms;
    best = {
      perSecond: Math.max(best.perSecond, placed / (ms / 1_000)),
      perCpuSecond: Math.max(best.perCpuSecond, placed / (cpuMs / 1_000)),
    };
    expectHash(play, hash);
  }
  return best;
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

interface Timed {
  /** Microseconds of single decisions, evenly over the scenario. */
  readonly micros: number[];
  /** Over all of them, one by one. */
  readonly rate: Rate;
}

function timeDecisions(scenario: Scenario, createEngine: EngineFactory, hash: string): Timed {
  const every = Math.max(1, Math.floor(placementsWanted(scenario.steps) / DECISIONS_TIMED));
  const play = new Play(scenario, createEngine);
  const placedBefore = play.placed;
  const micros: number[] = [];
  const cpuBeforeMs = processorMs();
  let untilNext = 0;
  let tookMs = 0;
  for (const step of scenario.steps) {
    if (step.kind !== "place") {
      play.take(step);
      continue;
    }
    const isWhole = step.spec.placement?.gang !== undefined;
    const together = isWhole ? step.count : 1;
    for (let left = step.count; left > 0; left -= together) {
      const part = { ...step, count: together };
      const startedMs = performance.now();
      play.take(part);
      const took = performance.now() - startedMs;
      tookMs += took;
      if (untilNext === 0) micros.push(took * 1_000);
      untilNext = untilNext === 0 ? every - 1 : untilNext - 1;
    }
  }
  const cpuMs = processorMs() - cpuBeforeMs;
  expectHash(play, hash);
  const placed = play.placed - placedBefore;
  const rate = { perSecond: placed / (tookMs / 1_000), perCpuSecond: placed / (cpuMs / 1_000) };
  return { micros, rate };
}

function expectHash({ places }: Play, hash: string): void {
  if (hashOf(places) !== hash) throw new DecisionError("the same steps led to another decision");
}
