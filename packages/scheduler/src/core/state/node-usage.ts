import { dimensions, type Grant, type ResourceAmounts, WHOLE_GPU_MILLIS } from "@berth/protocol";

/** What is taken on a node: the sum of what the allocations on it were granted. */
export interface NodeUsage {
  readonly granted: Readonly<ResourceAmounts>;
  readonly ports: ReadonlySet<number>;
  /** By uuid of the device or slice. */
  readonly gpus: ReadonlyMap<string, GpuUse>;
  /** Counted devices by name. */
  readonly devices: ReadonlyMap<string, number>;
  /** MiB by position in the node's `storage`. */
  readonly storage: readonly number[];
  /** What was granted in one zone, by zone; what floats over all zones is not in it. */
  readonly zones: ReadonlyMap<number, ZoneUse>;
  /** The part of `granted.cpuMillis` that are exclusive cores. */
  readonly exclusiveMillis: number;
  readonly allocations: number;
}

export interface GpuUse {
  readonly shareMillis: number;
  /** Null where shares of a device of unknown memory are taken. */
  readonly memoryMiB: number | null;
}

export interface ZoneUse {
  readonly cpuMillis: number;
  readonly memoryMiB: number;
}

/** Usage that grants can be added to and taken from. */
export interface UsageAccount extends NodeUsage {
  readonly granted: ResourceAmounts;
  readonly ports: Set<number>;
  readonly gpus: Map<string, GpuUse>;
  readonly devices: Map<string, number>;
  readonly storage: number[];
  readonly zones: Map<number, ZoneUse>;
  exclusiveMillis: number;
  allocations: number;
}

export function unused(): UsageAccount {
  return {
    granted: { cpuMillis: 0, memoryMiB: 0, diskMiB: 0, networkMbps: 0 },
    ports: new Set(),
    gpus: new Map(),
    devices: new Map(),
    storage: [],
    zones: new Map(),
    exclusiveMillis: 0,
    allocations: 0,
  };
}

export function copyUsage(usage: NodeUsage): UsageAccount {
  return {
    granted: { ...usage.granted },
    ports: new Set(usage.ports),
    gpus: new Map(usage.gpus),
    devices: new Map(usage.devices),
    storage: [...usage.storage],
    zones: new Map(usage.zones),
    exclusiveMillis: usage.exclusiveMillis,
    allocations: usage.allocations,
  };
}

export function addGrant(usage: UsageAccount, grant: Grant): void {
  for (const port of Object.values(grant.ports)) usage.ports.add(port);
  addWithoutPorts(usage, grant);
}

export function addWithoutPorts(usage: UsageAccount, grant: Grant): void {
  change(usage, grant, 1);
}

export function subtractGrant(usage: UsageAccount, grant: Grant): void {
  for (const port of Object.values(grant.ports)) usage.ports.delete(port);
  change(usage, grant, -1);
}

function change(usage: UsageAccount, grant: Grant, sign: 1 | -1): void {
  for (const dimension of dimensions) usage.granted[dimension] += sign * grant[dimension];
  usage.allocations += sign;
  changeGpus(usage, grant, sign);
  if (grant.devices !== undefined) {
    for (const [name, count] of Object.entries(grant.devices)) {
      setOrDelete(usage.devices, name, (usage.devices.get(name) ?? 0) + sign * count);
    }
  }
  if (grant.diskMiB > 0) {
    const at = grant.storage ?? 0;
    while (usage.storage.length <= at) usage.storage.push(0);
    usage.storage[at] = (usage.storage[at] ?? 0) + sign * grant.diskMiB;
    // Equal usages are equal values, whatever led to them.
    while (usage.storage.at(-1) === 0) usage.storage.pop();
  }
  if (grant.zone !== undefined) changeZone(usage, grant.zone, grant, sign);
  if (grant.exclusiveCores) usage.exclusiveMillis += sign * grant.cpuMillis;
}

function changeGpus({ gpus }: UsageAccount, grant: Grant, sign: 1 | -1): void {
  for (const uuid of grant.gpuUuids) {
    const before = gpus.get(uuid) ?? { shareMillis: 0, memoryMiB: 0 };
    const shareMillis = before.shareMillis + sign * (grant.gpuShareMillis ?? WHOLE_GPU_MILLIS);
    const memoryMiB =
      before.memoryMiB === null || isWhole(grant)
        ? before.memoryMiB
        : grant.gpuMemoryMiB === undefined
          ? null
          : before.memoryMiB + sign * grant.gpuMemoryMiB;
    if (shareMillis === 0) gpus.delete(uuid);
    else gpus.set(uuid, { shareMillis, memoryMiB });
  }
}

function isWhole({ gpuShareMillis = WHOLE_GPU_MILLIS }: Grant): boolean {
  return gpuShareMillis === WHOLE_GPU_MILLIS;
}

function changeZone({ zones }: UsageAccount, id: number, grant: Grant, sign: 1 | -1): void {
  const before = zones.get(id) ?? { cpuMillis: 0, memoryMiB: 0 };
  const cpuMillis = before.cpuMillis + sign * grant.cpuMillis;
  const memoryMiB = before.memoryMiB + sign * grant.memoryMiB;
  if (cpuMillis === 0 && memoryMiB === 0) zones.delete(id);
  else zones.set(id, { cpuMillis, memoryMiB });
}

function setOrDelete<Key>(counts: Map<Key, number>, key: Key, count: number): void {
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
