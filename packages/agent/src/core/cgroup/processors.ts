/** A processor as the kernel numbers them. */
export type Processor = number;

/** `0-3,8` as numbers. */
export function parseProcessors(list: string): Processor[] {
  return [...list.matchAll(/(\d+)(?:-(\d+))?/g)].flatMap(([, from, to]) => {
    const first = Number(from);
    return Array.from({ length: Number(to ?? from) - first + 1 }, (_, offset) => first + offset);
  });
}

/** Numbers as `0-3,8`. */
export function formatProcessors(processors: Iterable<Processor>): string {
  const ranges: [Processor, Processor][] = [];
  for (const each of [...processors].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && each === last[1] + 1) last[1] = each;
    else ranges.push([each, each]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
}

/**
 * Processors for a task that shares them with nobody: of whole cores first, so that no stranger
 * runs on the other thread of one; the highest ones, since the system lives on the lowest. Null when
 * there are not that many.
 *
 * `cores` lists every processor once, those of one core together; `taken` are other tasks'.
 */
export function chooseProcessors(
  cores: readonly (readonly Processor[])[],
  taken: ReadonlySet<Processor>,
  count: number,
): Processor[] | null {
  const free = cores
    .map((core) => ({ isWhole: !core.some((each) => taken.has(each)), core }))
    .map(({ isWhole, core }) => ({ isWhole, free: core.filter((each) => !taken.has(each)) }))
    .filter((core) => core.free.length > 0)
    .sort((a, b) => Math.max(...b.free) - Math.max(...a.free));
  const chosen: Processor[] = [];
  const whole = free.filter(({ isWhole }) => isWhole);
  for (const core of whole) {
    if (chosen.length + core.free.length <= count) chosen.push(...core.free);
  }
  // What is left is less than a core: rather of one that is broken already.
  const rest = [...free.filter(({ isWhole }) => !isWhole), ...whole].flatMap((core) => core.free);
  for (const each of rest) {
    if (chosen.length < count && !chosen.includes(each)) chosen.push(each);
  }
  return chosen.length < count ? null : chosen.sort((a, b) => a - b);
}
