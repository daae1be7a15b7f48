import { spawn } from "node:child_process";
import type { Mutant } from "./mutant.ts";
import { MutableTree } from "./mutable-tree.ts";

export const mutantLimits = {
  /** Seeds that a mutant has to survive to count as missed. */
  seedsMax: 250,
  /** Only notices what hangs: a seed that turns in circles ends much sooner, and is named. */
  wallMsMax: 3_600_000,
  outputBytesMax: 4 * 1024 * 1024,
} as const;

export interface MutantResult {
  readonly name: string;
  readonly why: string;
  /** `stale`: the piece of code it changes is not there any more. */
  readonly verdict: "caught" | "missed" | "stale";
  /** The seed that caught it; null when none did. */
  readonly seed: number | null;
  readonly violation: string | null;
  readonly wallSeconds: number;
}

export interface MutationRun {
  readonly workers: number;
  readonly from: number;
  readonly onResult: (result: MutantResult) => void;
}

/** Tries each mutant in a process of its own, some at a time, in the order of the catalogue. */
export async function tryMutants(
  mutants: readonly Mutant[],
  run: MutationRun,
): Promise<MutantResult[]> {
  const waiting = mutants.values();
  const results: MutantResult[] = [];
  const work = async () => {
    const tree = new MutableTree();
    try {
      for (const mutant of waiting) {
        const result = await tryOne(tree, mutant, run.from);
        results.push(result);
        run.onResult(result);
      }
    } finally {
      tree.remove();
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, run.workers) }, work));
  return results;
}

async function tryOne(tree: MutableTree, mutant: Mutant, from: number): Promise<MutantResult> {
  const { name, why } = mutant;
  const startedMs = performance.now();
  const about = (verdict: MutantResult["verdict"], caught: Caught): MutantResult => {
    const wallSeconds = Math.round((performance.now() - startedMs) / 100) / 10;
    return { name, why, verdict, ...caught, wallSeconds };
  };
  let undo: () => void;
  try {
    undo = tree.apply(mutant);
  } catch (cause) {
    return about("stale", { seed: null, violation: (cause as Error).message });
  }
  const caught = await runSeeds(tree, from, mutantLimits.seedsMax).finally(undo);
  // Where no seed is named, nothing was caught: the machine was too slow, or the program did not load.
  if (caught.violation === null || caught.seed === null) return about("missed", caught);
  // A seed that fails anyway proves nothing.
  const unchanged = (await runSeeds(tree, caught.seed, 1)).violation;
  if (unchanged === null) return about("caught", caught);
  return about("missed", { ...caught, violation: `it fails without the mutant: ${unchanged}` });
}

interface Caught {
  readonly seed: number | null;
  readonly violation: string | null;
}

/** Runs seeds in the tree until one fails. */
function runSeeds(tree: MutableTree, from: number, seeds: number): Promise<Caught> {
  const args = ["--from", from, "--seeds", seeds, "--workers", 1, "--first", "--json"].map(String);
  const child = spawn(process.execPath, [tree.program, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  return new Promise((resolve, reject) => {
    const output = collect(child.stdout);
    const complaints = collect(child.stderr);
    const timeout = setTimeout(() => child.kill("SIGKILL"), mutantLimits.wallMsMax);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timeout);
      if (code === 0) return resolve({ seed: null, violation: null });
      resolve(
        code === 1 ? firstOf(output()) : { seed: null, violation: endOf(signal, complaints()) },
      );
    });
  });
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    if (text.length < mutantLimits.outputBytesMax) text += chunk;
  });
  return () => text;
}

function firstOf(json: string): Caught {
  const { violations } = JSON.parse(json) as { violations: { seed: number; message: string }[] };
  const [first] = violations;
  return { seed: first?.seed ?? null, violation: first?.message ?? "it failed without a word" };
}

function endOf(signal: string | null, complaints: string): string {
  if (signal !== null) return `it did not end within ${mutantLimits.wallMsMax} ms`;
  return complaints.split("\n").find((line) => /error/i.test(line)) ?? "its process crashed";
}
