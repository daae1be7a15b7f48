import type { CpuCache } from "@berth/protocol";

/** One cache as one processor sees it. */
export interface SeenCache {
  readonly level: number;
  /** The kernel's word: `Data`, `Instruction` or `Unified`. */
  readonly type: string;
  /** Such as `32768K`. */
  readonly size: string;
  /** The kernel's list of the processors that share it. */
  readonly sharedBy: string;
}

/** Each cache counted once, however many processors share it; lowest level first. */
export function countCaches(seen: readonly SeenCache[]): CpuCache[] {
  const kinds = new Map<string, { cache: Omit<CpuCache, "count">; owners: Set<string> }>();
  for (const { level, type, size, sharedBy } of seen) {
    const kind = KINDS.get(type);
    const sizeKiB = sizeOf(size);
    if (kind === undefined || sizeKiB === null || level < 1) continue;
    const key = `${level} ${kind} ${sizeKiB}`;
    const known = kinds.get(key) ?? { cache: { level, kind, sizeKiB }, owners: new Set<string>() };
    known.owners.add(sharedBy);
    kinds.set(key, known);
  }
  return [...kinds]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { cache, owners }]) => ({ ...cache, count: owners.size }));
}

const KINDS: ReadonlyMap<string, CpuCache["kind"]> = new Map([
  ["Data", "data"],
  ["Instruction", "instruction"],
  ["Unified", "unified"],
]);

function sizeOf(text: string): number | null {
  const [, number, unit] = /^(\d+)([KM])$/.exec(text) ?? [];
  if (number === undefined) return null;
  return Number(number) * (unit === "M" ? 1_024 : 1);
}
