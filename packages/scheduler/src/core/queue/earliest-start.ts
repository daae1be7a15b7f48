/** From a moment on, how many of a request a node can take if nothing else comes. */
export interface FitStep {
  readonly atUnixMs: number;
  readonly count: number;
}

/** One node as a request that waits sees it. */
export interface Outlook<Node> {
  readonly node: Node;
  /** Nodes that may serve one request together have the same; null where all may. */
  readonly group: string | null;
  /** By time; counts only grow, because what ends makes room. */
  readonly steps: readonly FitStep[];
}

/** Where a request will start, how many on each node, and when. */
export interface PlannedStart<Node> {
  readonly startUnixMs: number;
  readonly parts: readonly { readonly node: Node; readonly count: number }[];
}

/**
 * The earliest moment at which `wanted` of a request fit at once, on nodes of one group: the shadow
 * time of EASY backfill (Lifka 1995). On each node as few as are needed, first where there is room
 * first, then in the order given. Null when they never fit by what is known.
 */
export function earliestStart<Node>(
  outlooks: readonly Outlook<Node>[],
  wanted: number,
): PlannedStart<Node> | null {
  const gains = outlooks
    .flatMap(({ group, steps }, order) =>
      steps.map(({ atUnixMs, count }, at) => ({
        atUnixMs,
        order,
        group,
        more: count - (steps[at - 1]?.count ?? 0),
      })),
    )
    .sort((a, b) => a.atUnixMs - b.atUnixMs || a.order - b.order);
  const reached = new Map<string | null, number>();
  for (const [at, { atUnixMs, group, more }] of gains.entries()) {
    const count = (reached.get(group) ?? 0) + more;
    reached.set(group, count);
    if (count < wanted) continue;
    const parts = new Map<number, number>();
    let missing = wanted;
    for (const gain of gains.slice(0, at + 1)) {
      const taken = gain.group === group ? Math.min(missing, gain.more) : 0;
      if (taken > 0) parts.set(gain.order, (parts.get(gain.order) ?? 0) + taken);
      missing -= taken;
    }
    return {
      startUnixMs: atUnixMs,
      parts: [...parts].flatMap(([order, taken]) => {
        const outlook = outlooks[order];
        return outlook ? [{ node: outlook.node, count: taken }] : [];
      }),
    };
  }
  return null;
}
