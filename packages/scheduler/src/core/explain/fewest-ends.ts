import { type RejectionCode, WHOLE_GPU_MILLIS } from "@berth/protocol";
import { everyLack, firstLack, type Lack } from "../place/check-node.ts";
import type { NodeUsage } from "../place/ledger.ts";
import type { PlacementRequest } from "../place/placement-request.ts";
import type { Surroundings } from "../place/surroundings.ts";
import type { AllocationRecord, NodeRecord } from "../state/cluster-state.ts";
import { addGrant, copyUsage, subtractGrant } from "../state/node-usage.ts";

/** Sets looked at on one node before the few that were found at first are good enough. */
const SEARCH_STEPS_MAX = 2_000;

/** Lacks that end when others end. */
const freeable: ReadonlySet<RejectionCode> = new Set([
  "allocations.max",
  "gpu.free",
  "gpu.share",
  "device.free",
  "cpu.free",
  "memory.free",
  "disk.free",
  "network.free",
  "numa.free",
  "port.static",
  "port.range",
]);

/** The node, what is taken on it, and what the request asks about it. */
export interface FullNode {
  readonly request: PlacementRequest;
  readonly node: NodeRecord;
  readonly usage: NodeUsage;
  readonly surroundings: Surroundings;
}

/**
 * Which of these allocations would have to end for the request to fit: as few as possible, and of
 * sets that are as small the one whose most important member is the least important. What is being
 * stopped ends anyway, so it comes first and only what is needed beside it is searched for.
 * Null where nothing that ends would do; `live` is sorted, least important first.
 *
 * A greedy choice bounds the size; smaller sets are then looked for in colexicographic order, where
 * a branch is cut when even the largest holders cannot free what is missing. Exact unless
 * `SEARCH_STEPS_MAX` ends the search; then the greedy set, from which no member can be left out.
 */
export function fewestEnds(
  full: FullNode,
  live: readonly AllocationRecord[],
): AllocationRecord[] | null {
  const trial = new Trial(full);
  const lacks = trial.lacks();
  if (lacks.length === 0 || lacks.some(({ code }) => !freeable.has(code))) return null;
  const leaving = live.filter(({ status }) => status === "stopping");
  for (const allocation of leaving) trial.end(allocation);
  const others = live.filter(({ status }) => status !== "stopping");
  const chosen = trial.fits ? [] : chooseFrom(trial, full, others);
  if (chosen === null) return null;
  for (const allocation of chosen) trial.end(allocation);
  const needed = leaving.filter((allocation) => !trial.canKeep(allocation));
  return [...needed, ...chosen];
}

/** A copy of the node's usage, on which allocations end and come back. */
class Trial {
  readonly #full: FullNode;
  readonly #account: ReturnType<typeof copyUsage>;

  constructor(full: FullNode) {
    this.#full = full;
    this.#account = copyUsage(full.usage);
  }

  lacks(): Lack[] {
    const { request, node, surroundings } = this.#full;
    return everyLack(request, node, this.#account, surroundings);
  }

  get fits(): boolean {
    const { request, node, surroundings } = this.#full;
    return firstLack(request, node, this.#account, surroundings) === null;
  }

  end({ granted }: AllocationRecord): void {
    subtractGrant(this.#account, granted);
  }

  resume({ granted }: AllocationRecord): void {
    addGrant(this.#account, granted);
  }

  /** Lets an ended one come back where it fits beside the request: true when it stays. */
  canKeep(allocation: AllocationRecord): boolean {
    this.resume(allocation);
    if (this.fits) return true;
    this.end(allocation);
    return false;
  }
}

/** The set to end, from a trial that it leaves as it was; null when all of them are not enough. */
function chooseFrom(
  trial: Trial,
  { request, node }: FullNode,
  others: readonly AllocationRecord[],
): AllocationRecord[] | null {
  const lacks = trial.lacks();
  const holders = others
    .map((allocation) => ({
      allocation,
      frees: lacks.map((lack) => freedBy(lack, allocation, node.cpuOvercommitPercent)),
    }))
    .filter(
      ({ allocation, frees }) =>
        frees.some((amount) => amount > 0) || holdsDevice(request, allocation),
    );
  const greedy = chooseGreedily(trial, holders, lacks);
  return greedy && (new SmallestSet(trial, holders, lacks).find(greedy.length) ?? greedy);
}

interface Holder {
  readonly allocation: AllocationRecord;
  /** At most what its end frees of each lack. */
  readonly frees: readonly number[];
}

/** Always the one that frees the largest part of what is missing; then none that is not needed. */
function chooseGreedily(
  trial: Trial,
  holders: readonly Holder[],
  lacks: readonly Lack[],
): AllocationRecord[] | null {
  const left = new Set(holders);
  const missing = lacks.map(missingOf);
  const ended: AllocationRecord[] = [];
  while (!trial.fits) {
    let best: Holder | null = null;
    let most = -1;
    for (const holder of left) {
      const part = holder.frees.reduce((sum, amount, at) => {
        const lacking = missing[at] ?? 0;
        return lacking <= 0 ? sum : sum + Math.min(1, amount / lacking);
      }, 0);
      if (part <= most) continue;
      best = holder;
      most = part;
    }
    if (best === null) break;
    left.delete(best);
    trial.end(best.allocation);
    ended.push(best.allocation);
    for (const [at, amount] of best.frees.entries()) missing[at] = (missing[at] ?? 0) - amount;
  }
  const isEnough = trial.fits;
  const needed = isEnough ? ended.filter((allocation) => !trial.canKeep(allocation)) : ended;
  for (const allocation of needed) trial.resume(allocation);
  return isEnough ? needed : null;
}

/** The search for a set of a given size, over holders sorted by importance, least first. */
class SmallestSet {
  readonly #trial: Trial;
  readonly #holders: readonly Holder[];
  readonly #missing: readonly number[];
  /** For each lack, the largest holder among the first so many. */
  readonly #largest: readonly (readonly number[])[];
  #steps = 0;

  constructor(trial: Trial, holders: readonly Holder[], lacks: readonly Lack[]) {
    this.#trial = trial;
    this.#holders = holders;
    this.#missing = lacks.map(missingOf);
    this.#largest = lacks.map((_, at) => {
      const largest = [0];
      for (const { frees } of holders) largest.push(Math.max(largest.at(-1) ?? 0, frees[at] ?? 0));
      return largest;
    });
  }

  /** Of at most so many; null when the search was ended before one was found. */
  find(sizeMax: number): AllocationRecord[] | null {
    for (let size = 1; size <= sizeMax; size += 1) {
      const found = this.#pick(size, this.#holders.length, this.#missing);
      if (found) return found;
    }
    return null;
  }

  #pick(size: number, below: number, missing: readonly number[]): AllocationRecord[] | null {
    if (size === 0) return this.#trial.fits ? [] : null;
    for (let at = size - 1; at < below; at += 1) {
      const holder = this.#holders[at];
      if (!holder || this.#steps >= SEARCH_STEPS_MAX) return null;
      this.#steps += 1;
      const left = missing.map((amount, lack) => amount - (holder.frees[lack] ?? 0));
      if (!this.#canFree(left, size - 1, at)) continue;
      this.#trial.end(holder.allocation);
      const rest = this.#pick(size - 1, at, left);
      this.#trial.resume(holder.allocation);
      if (rest) return [...rest, holder.allocation];
    }
    return null;
  }

  /** Whether so many of the first `below` could free what is missing, by their largest. */
  #canFree(missing: readonly number[], size: number, below: number): boolean {
    return missing.every((amount, lack) => amount <= size * (this.#largest[lack]?.[below] ?? 0));
  }
}

function missingOf({ code, requested, available }: Lack): number {
  if (code === "allocations.max" || requested === null || available === null) return 1;
  return Math.max(1, requested - available);
}

/** At most how much of a lack the end of an allocation makes up for, in the lack's own unit. */
function freedBy(
  { code, subject }: Lack,
  { granted }: AllocationRecord,
  overcommitPercent: number,
): number {
  switch (code) {
    case "cpu.free":
      // A core of its own gives back all that the pool would grant on it.
      return granted.exclusiveCores
        ? Math.ceil((granted.cpuMillis * overcommitPercent) / 100) + 1
        : granted.cpuMillis;
    case "memory.free":
      return granted.memoryMiB;
    case "disk.free":
      return granted.diskMiB;
    case "network.free":
      return granted.networkMbps;
    case "gpu.free":
      return granted.gpuUuids.length;
    case "gpu.share":
      return granted.gpuUuids.length === 0 ? 0 : WHOLE_GPU_MILLIS;
    case "device.free":
      return granted.devices?.[subject ?? ""] ?? 0;
    case "port.static":
      return Object.values(granted.ports).includes(Number(subject)) ? 1 : 0;
    case "port.range":
      return Object.keys(granted.ports).length;
    default:
      return 1; // a place, or a zone: any may be the one
  }
}

/** Only the first device that is short is among the lacks; others may come to light. */
function holdsDevice({ devices }: PlacementRequest, { granted }: AllocationRecord): boolean {
  return devices.some(([name]) => (granted.devices?.[name] ?? 0) > 0);
}
