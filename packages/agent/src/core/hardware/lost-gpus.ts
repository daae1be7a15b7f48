import type { Gpu } from "@berth/protocol";
import { withoutLinks } from "./gpu-links.ts";

/** The devices that are listed now, and as unhealthy those that were before and are not any more. */
export function withLost(known: readonly Gpu[], listed: readonly Gpu[], tool: string): Gpu[] {
  const now = new Set(listed.map(({ uuid }) => uuid));
  const lost = known.filter(({ uuid }) => !now.has(uuid));
  if (lost.length === 0) return [...listed];
  const health = { state: "unhealthy", reason: `${tool} no longer lists it` } as const;
  const all: Gpu[] = [...listed, ...lost.map((gpu) => ({ ...gpu, health }))];
  // Links are told by position, and positions have changed.
  return all.map(withoutLinks).sort((a, b) => (a.uuid < b.uuid ? -1 : 1));
}
