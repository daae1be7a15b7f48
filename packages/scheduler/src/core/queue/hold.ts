import { type Grant, WHOLE_GPU_MILLIS } from "@berth/protocol";
import { allocatable } from "../place/check-node.ts";
import { freeGpus, healthyGpus } from "../place/gpus.ts";
import type { NodeUsage } from "../place/ledger.ts";
import type { PlacementRequest } from "../place/placement-request.ts";
import type { NodeRecord } from "../state/cluster-state.ts";
import { grantableMillis } from "../state/grants.ts";
import { addGrant, copyUsage, subtractGrant, type UsageAccount } from "../state/node-usage.ts";
import { accountAt, countFits, grantsOn, type NodeFuture } from "./node-future.ts";

/** Room on one node that is kept for somebody: as if it were granted already. */
export interface HeldPart {
  readonly node: NodeRecord;
  readonly grants: readonly Grant[];
}

/**
 * What of a node must be left alone so that `count` of a request fit there at `startUnixMs`: what
 * they will be granted, less what is free again by then.
 */
export function heldUntil(
  request: PlacementRequest,
  node: NodeRecord,
  future: NodeFuture,
  count: number,
  startUnixMs: number,
): HeldPart {
  const account = accountAt(future, startUnixMs);
  const atStart = copyUsage(account);
  const planned = grantsOn(request, node, account, count);
  const freed = future.ends.filter(({ atUnixMs }) => atUnixMs <= startUnixMs);
  const pool = new FreedPool(freed.map(({ granted }) => granted));
  const kept = planned.map((granted) => pool.lessen(granted, future.usage));
  const uuids = neededNow(request, node, future.usage, atStart, planned);
  return { node, grants: [...kept, ...devicesOf(uuids, planned, future.usage)] };
}

/**
 * What of a node is kept while nobody knows when the rest becomes free: as much of what `count` of a
 * request will be granted as is free now.
 */
export function heldSoFar(
  request: PlacementRequest,
  node: NodeRecord,
  future: NodeFuture,
  count: number,
): HeldPart {
  const { usage, someday } = future;
  const account = accountAt(future, Number.POSITIVE_INFINITY);
  for (const granted of someday) subtractGrant(account, granted);
  const planned = grantsOn(request, node, account, count);
  const kept = freeAmounts(node, usage, planned);
  const wanted = planned.reduce((sum, { gpuUuids }) => sum + gpuUuids.length, 0);
  const free = request.gpu ? freeGpus(node, usage, request.gpu).map(({ uuid }) => uuid) : [];
  const chosen = planned.flatMap(({ gpuUuids }) => gpuUuids).filter((one) => free.includes(one));
  const uuids = [...new Set([...chosen, ...free])].slice(0, wanted);
  return { node, grants: [...kept, ...devicesOf(uuids, planned, usage)] };
}

/** As much of what is planned on a node as is free now. */
export function heldOfPlanned(
  node: NodeRecord,
  usage: NodeUsage,
  planned: readonly Grant[],
): HeldPart {
  const uuids = new Set(planned.flatMap(({ gpuUuids }) => gpuUuids));
  const free = [...uuids].filter((uuid) => freeShare(usage, uuid) > 0);
  return {
    node,
    grants: [...freeAmounts(node, usage, planned), ...devicesOf(free, planned, usage)],
  };
}

function freeAmounts(node: NodeRecord, usage: NodeUsage, planned: readonly Grant[]): Grant[] {
  const left = {
    cpuMillis: freeOf(node, usage, "cpuMillis"),
    memoryMiB: freeOf(node, usage, "memoryMiB"),
    diskMiB: freeOf(node, usage, "diskMiB"),
    networkMbps: freeOf(node, usage, "networkMbps"),
  };
  return planned.map((granted): Grant => {
    const part = withoutDevices(granted, usage);
    for (const dimension of ["cpuMillis", "memoryMiB", "diskMiB", "networkMbps"] as const) {
      part[dimension] = Math.min(part[dimension], left[dimension]);
      left[dimension] -= part[dimension];
    }
    return part;
  });
}

/** Everything on a node that nobody has. */
export function heldWhole(node: NodeRecord, usage: NodeUsage): HeldPart {
  const rest: Grant = {
    cpuMillis: freeOf(node, usage, "cpuMillis"),
    memoryMiB: freeOf(node, usage, "memoryMiB"),
    diskMiB: 0,
    networkMbps: 0,
    gpuUuids: [],
    ports: {},
  };
  return { node, grants: [rest] };
}

function freeOf(
  node: NodeRecord,
  usage: NodeUsage,
  dimension: "cpuMillis" | "memoryMiB" | "diskMiB" | "networkMbps",
): number {
  const there = allocatable(node, dimension) ?? 0;
  const grantable =
    dimension === "cpuMillis"
      ? grantableMillis(node.cpuOvercommitPercent, there, usage.exclusiveMillis)
      : there;
  return Math.max(0, grantable - usage.granted[dimension]);
}

/**
 * Devices that are free now and that the planned grants cannot do without, even if somebody takes
 * every other device that is free now.
 */
function neededNow(
  request: PlacementRequest,
  node: NodeRecord,
  usage: NodeUsage,
  atStart: UsageAccount,
  planned: readonly Grant[],
): string[] {
  const needed: string[] = [];
  const account = copyUsage(atStart);
  const chosen = new Set(planned.flatMap(({ gpuUuids }) => gpuUuids));
  const free = healthyGpus(node)
    .map(({ uuid }) => uuid)
    .filter((uuid) => freeShare(usage, uuid) > 0);
  for (const uuid of free) if (!chosen.has(uuid)) addGrant(account, restOf(account, uuid));
  for (const uuid of free.filter((one) => chosen.has(one))) {
    const rest = restOf(account, uuid);
    addGrant(account, rest);
    if (countFits(request, node, account, planned.length) === planned.length) continue;
    subtractGrant(account, rest);
    needed.push(uuid);
  }
  return needed;
}

function restOf(usage: NodeUsage, uuid: string): Grant {
  return deviceGrant(uuid, freeShare(usage, uuid));
}

function freeShare(usage: NodeUsage, uuid: string): number {
  return WHOLE_GPU_MILLIS - (usage.gpus.get(uuid)?.shareMillis ?? 0);
}

/** Each device that is kept, with as much of it as is free and planned. */
function devicesOf(uuids: readonly string[], planned: readonly Grant[], usage: NodeUsage): Grant[] {
  return uuids.map((uuid) => {
    const asked = planned.reduce(
      (sum, { gpuUuids, gpuShareMillis }) =>
        gpuUuids.includes(uuid) ? sum + (gpuShareMillis ?? WHOLE_GPU_MILLIS) : sum,
      0,
    );
    return deviceGrant(
      uuid,
      Math.min(asked === 0 ? WHOLE_GPU_MILLIS : asked, freeShare(usage, uuid)),
    );
  });
}

function deviceGrant(uuid: string, shareMillis: number): Grant {
  const share =
    shareMillis === WHOLE_GPU_MILLIS ? {} : { gpuShareMillis: shareMillis, gpuMemoryMiB: 0 };
  const nothing = { cpuMillis: 0, memoryMiB: 0, diskMiB: 0, networkMbps: 0, ports: {} };
  return { ...nothing, gpuUuids: shareMillis === 0 ? [] : [uuid], ...share };
}

/** A grant without GPUs, and without the ports that somebody has. */
function withoutDevices(granted: Grant, usage: NodeUsage): Grant {
  const ports = Object.entries(granted.ports).filter(([, port]) => !usage.ports.has(port));
  const rest: Grant = { ...granted, gpuUuids: [], ports: Object.fromEntries(ports) };
  delete rest.gpuShareMillis;
  delete rest.gpuMemoryMiB;
  return rest;
}

/** What becomes free, and is not needed twice. */
class FreedPool {
  private readonly freed: readonly Grant[];
  /** Taken from it so far, by what it is counted under. */
  private readonly taken = new Map<string, number>();

  constructor(freed: readonly Grant[]) {
    this.freed = freed;
  }

  /** What of a planned grant must be there already. */
  lessen(planned: Grant, usage: NodeUsage): Grant {
    const { zone } = planned;
    const inZone = (one: Grant) => zone === undefined || one.zone === zone;
    const onDisk = (one: Grant) => (one.storage ?? 0) === (planned.storage ?? 0);
    const part = withoutDevices(planned, usage);
    part.cpuMillis -= this.take(`cpu ${zone}`, planned.cpuMillis, (one) =>
      inZone(one) ? one.cpuMillis : 0,
    );
    part.memoryMiB -= this.take(`memory ${zone}`, planned.memoryMiB, (one) =>
      inZone(one) ? one.memoryMiB : 0,
    );
    part.diskMiB -= this.take(`disk ${planned.storage ?? 0}`, planned.diskMiB, (one) =>
      onDisk(one) ? one.diskMiB : 0,
    );
    part.networkMbps -= this.take("network", planned.networkMbps, (one) => one.networkMbps);
    if (planned.devices) {
      part.devices = Object.fromEntries(
        Object.entries(planned.devices).map(([name, count]) => [
          name,
          count - this.take(`device ${name}`, count, (one) => one.devices?.[name] ?? 0),
        ]),
      );
    }
    return part;
  }

  private take(key: string, wanted: number, amountOf: (one: Grant) => number): number {
    const there = this.freed.reduce((sum, one) => sum + amountOf(one), 0);
    const taken = this.taken.get(key) ?? 0;
    const now = Math.min(wanted, Math.max(0, there - taken));
    this.taken.set(key, taken + now);
    return now;
  }
}
