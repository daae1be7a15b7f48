import { assert } from "@berth/runtime/assert";
import type { NodeRecord } from "../state/cluster-state.ts";
import type { NodeUsage } from "./ledger.ts";
import type { PlacementRequest } from "./placement-request.ts";

/** Ports of the node's range that are left for dynamic ones once the request has its static ones. */
export function freeDynamicPorts(
  node: NodeRecord,
  usage: NodeUsage,
  request: PlacementRequest,
): number {
  const { from, to } = node.description.portRange;
  const own = request.staticPorts.filter(
    ([, port]) => from <= port && port <= to && !usage.ports.has(port),
  ).length;
  const size = Math.max(0, to - from + 1) - own;
  // Nearly always there is plenty, whatever part of what is taken lies outside the range.
  if (size - usage.ports.size >= request.dynamicPorts.length) return size - usage.ports.size;
  let taken = 0;
  for (const port of usage.ports.keys()) if (from <= port && port <= to) taken += 1;
  return size - taken;
}

/**
 * A number for each port. The search starts at a place that only the allocation's number decides:
 * its replacement starts elsewhere, so a port that a stranger holds is not chosen again and again.
 */
export function choosePorts(
  node: NodeRecord,
  usage: NodeUsage,
  request: PlacementRequest,
  allocationNumber: number,
): Record<string, number> {
  const ports: Record<string, number> = Object.fromEntries(request.staticPorts);
  const { from, to } = node.description.portRange;
  const size = to - from + 1;
  const taken = new Set(Object.values(ports));
  let offset = scatter(allocationNumber) % Math.max(1, size);
  for (const name of request.dynamicPorts) {
    let tries = 0;
    while (tries < size && (taken.has(from + offset) || usage.ports.has(from + offset))) {
      offset = (offset + 1) % size;
      tries += 1;
    }
    assert(tries < size, `no free port on ${node.id}, which was found to have one`);
    ports[name] = from + offset;
    taken.add(from + offset);
  }
  return ports;
}

/** Fibonacci hashing (Knuth, TAOCP 3, §6.4): neighbours land far apart. */
function scatter(number: number): number {
  return Math.imul(number, 0x9e3779b1) >>> 0;
}
