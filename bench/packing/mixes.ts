import { createRandom, type Random } from "../random.ts";
import { requestedGpuMillis, type TaskClass, type TaskList } from "./trace.ts";

/** A list with other proportions: shares of its GPU demand, and factors on the rest. */
interface MixSpec {
  /** Share of GPU demand, in percent, asked by tasks of several GPUs and by fractional ones. */
  readonly multiPercent: number;
  readonly fractionalPercent: number;
  /** Cpu-only tasks relative to the list's own number. */
  readonly cpuOnlyFactor?: number;
  /** Percent of GPU tasks that accept only some GPU models. */
  readonly modelPercent?: number;
}

/** The default list asks 7.3 % of its GPU demand for several GPUs and 28.5 % in fractions. */
const LIKE_DEFAULT = { multiPercent: 7, fractionalPercent: 28 };

const SPECS: Readonly<Record<string, MixSpec>> = {
  "multi-20": { multiPercent: 20, fractionalPercent: 25 },
  "multi-50": { multiPercent: 50, fractionalPercent: 15 },
  "multi-80": { multiPercent: 80, fractionalPercent: 8 },
  "multi-90": { multiPercent: 90, fractionalPercent: 4 },
  "share-50": { multiPercent: 5, fractionalPercent: 50 },
  "share-75": { multiPercent: 0, fractionalPercent: 75 },
  "share-100": { multiPercent: 0, fractionalPercent: 100 },
  "cpu-0": { ...LIKE_DEFAULT, cpuOnlyFactor: 0 },
  "cpu-200": { ...LIKE_DEFAULT, cpuOnlyFactor: 2 },
  "model-20": { ...LIKE_DEFAULT, modelPercent: 20 },
  "model-33": { ...LIKE_DEFAULT, modelPercent: 33 },
};

/** Names of the mixes {@link createMix} knows. */
export const MIX_NAMES: readonly string[] = Object.keys(SPECS);

/** Model sets given to constrained tasks; tasks of several GPUs get the first, which has the nodes. */
const MODEL_SETS: readonly (readonly string[])[] = [
  ["G2", "G3"],
  ["G2"],
  ["G3"],
  ["T4"],
  ["P100", "T4"],
  ["V100M16", "V100M32"],
  ["V100M32"],
];

const MIX_SEED = 7;

/**
 * Another list with the GPU demand of `list`, drawn with replacement from its own tasks so that the
 * kinds stand in the mix's proportions. Null for an unknown name. The same for every call.
 */
export function createMix(list: TaskList, name: string): TaskList | null {
  const spec = SPECS[name];
  if (spec === undefined) return null;
  const random = createRandom(MIX_SEED);
  const ofKind = (kind: Kind): number[] =>
    list.tasks.filter((task) => kindOf(list.classes[task] as TaskClass) === kind);
  const gpuMillis = (tasks: readonly number[]): number =>
    tasks.reduce((sum, task) => sum + requestedGpuMillis(list.classes[task] as TaskClass), 0);

  const total = gpuMillis(list.tasks);
  const { multiPercent, fractionalPercent, cpuOnlyFactor = 1, modelPercent = 0 } = spec;
  const percents: Record<Exclude<Kind, "cpu">, number> = {
    multi: multiPercent,
    fractional: fractionalPercent,
    whole: 100 - multiPercent - fractionalPercent,
  };
  const cpuOnly = ofKind("cpu");
  const drawn = draw(cpuOnly, Math.round(cpuOnly.length * cpuOnlyFactor), random);
  const classes = [...list.classes];
  for (const kind of ["multi", "fractional", "whole"] as const) {
    const tasks = ofKind(kind);
    const mean = gpuMillis(tasks) / Math.max(1, tasks.length);
    const count = tasks.length === 0 ? 0 : Math.round((percents[kind] * total) / 100 / mean);
    for (const task of draw(tasks, count, random)) {
      const isConstrained = random.below(100) < modelPercent;
      drawn.push(isConstrained ? constrain(classes, task, random) : task);
    }
  }
  return { classes, tasks: drawn };
}

type Kind = "cpu" | "fractional" | "whole" | "multi";

function kindOf(task: TaskClass): Kind {
  if (task.gpuCount === 0) return "cpu";
  if (task.gpuCount > 1) return "multi";
  return task.gpuMillis < 1000 ? "fractional" : "whole";
}

function draw(from: readonly number[], count: number, random: Random): number[] {
  return Array.from({ length: count }, () => from[random.below(from.length)] as number);
}

/** The class like `task` that accepts only a random model set, added to `classes` when new. */
function constrain(classes: TaskClass[], task: number, random: Random): number {
  const like = classes[task] as TaskClass;
  const set = like.gpuCount > 1 ? 0 : random.below(MODEL_SETS.length);
  const wanted = { ...like, models: MODEL_SETS[set] ?? [] };
  const key = JSON.stringify(wanted);
  const known = classes.findIndex((one) => JSON.stringify(one) === key);
  return known >= 0 ? known : classes.push(wanted) - 1;
}
