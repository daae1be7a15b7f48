import type { Gpu } from "@berth/protocol";

export function withoutLinks(gpu: Gpu): Gpu {
  const rest = { ...gpu };
  delete rest.links;
  return rest;
}

/**
 * The devices of all vendors as one list. Links are told in the order of the list, so those of one
 * vendor, whose list is a part of it, get room for the others.
 */
export function allGpus(lists: readonly (readonly Gpu[])[]): Gpu[] {
  const total = lists.reduce((sum, { length }) => sum + length, 0);
  let before = 0;
  return lists.flatMap((list) => {
    const from = before;
    before += list.length;
    return list.map((gpu) =>
      gpu.links === undefined || gpu.links.length === total
        ? gpu
        : { ...gpu, links: padded(gpu.links, from, total) },
    );
  });
}

function padded(links: readonly (string | null)[], from: number, total: number): (string | null)[] {
  return Array.from({ length: total }, (_, at) => links[at - from] ?? null);
}
