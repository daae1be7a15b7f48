import type { Constraint, NodeDescription } from "@berth/protocol";
import {
  hasDevices,
  hasDisk,
  hasDriver,
  hasGpuCapacity,
  hasGpuModel,
  hasHealthyGpus,
  holdsOn,
  isInPool,
  toleratesTaints,
} from "../place/check-node.ts";
import { gpuDevices } from "../place/gpus.ts";
import { nodeAttribute } from "../place/node-attribute.ts";
import type { PlacementRequest } from "../place/placement-request.ts";
import type { Described } from "../state/cluster-state.ts";
import { MASKS_REMEMBERED_MAX } from "./limits.ts";
import type { AttributeColumn, NodeAttributes } from "./node-attributes.ts";
import { keepCommon, sizeOf, type SlotBits, slotBits, withSlot } from "./slot-bits.ts";

/** Answers to one question about nodes that only their description decides. */
interface Part {
  readonly test: (node: Described) => boolean;
  /** The slots whose nodes pass. */
  bits: SlotBits;
}

interface KeptMask {
  readonly parts: readonly Part[];
  bits: SlotBits;
  /** Null when nobody has counted since it changed. */
  size: number | null;
}

/** Where a request may go, and how many slots that is. */
export interface Mask {
  readonly bits: SlotBits;
  readonly size: number;
}

/**
 * Which nodes a request may go to, as far as their descriptions decide. Every constraint is evaluated
 * once for each value that its attribute has, and kept with the answers as nodes come and change. The
 * least recently used are forgotten.
 */
export class NodeMasks {
  readonly #attributes: NodeAttributes;
  readonly #parts = new Map<string, Part>();
  readonly #masks = new Map<string, KeptMask>();
  #latest: { readonly key: string; readonly mask: KeptMask } | null = null;

  constructor(attributes: NodeAttributes) {
    this.#attributes = attributes;
  }

  /** The slots where the request may go. To be used before nodes change. */
  maskFor(request: PlacementRequest): Mask {
    const key = keyOf(request);
    const mask = this.#latest?.key === key ? this.#latest.mask : this.#recall(key, request);
    mask.size ??= sizeOf(mask.bits);
    return { bits: mask.bits, size: mask.size };
  }

  #recall(key: string, request: PlacementRequest): KeptMask {
    const mask = this.#masks.get(key) ?? this.#makeMask(request);
    this.#masks.delete(key);
    this.#masks.set(key, mask);
    dropOldest(this.#masks, MASKS_REMEMBERED_MAX);
    this.#latest = { key, mask };
    return mask;
  }

  #makeMask(request: PlacementRequest): KeptMask {
    const parts = this.#partsOf(request);
    const bits = slotBits(this.#attributes.slots).fill(-1);
    for (const part of parts) keepCommon(bits, part.bits);
    return { parts, bits, size: null };
  }

  /** The slots on whose nodes the constraint holds. */
  whereHolds(constraint: Constraint, source: string): SlotBits {
    return this.#constraintPart(constraint, source).bits;
  }

  /** The node in a slot has come, changed or gone. */
  refresh(slot: number): void {
    const description = this.#attributes.nodeAt(slot);
    for (const part of this.#parts.values()) {
      part.bits = withSlot(part.bits, slot, description !== null && part.test({ description }));
    }
    for (const mask of this.#masks.values()) {
      const passes = description !== null && mask.parts.every(({ test }) => test({ description }));
      mask.bits = withSlot(mask.bits, slot, passes);
      mask.size = null;
    }
  }

  #partsOf(request: PlacementRequest): Part[] {
    const { driver, pool, tolerations, gpu, devices, diskClass, amounts } = request;
    const parts = [this.#part(drivers, driver, (node) => hasDriver(request, node) === null)];
    if (pool !== null) {
      parts.push(this.#part(pools, pool, (node) => isInPool(request, node) === null));
    }
    const tolerated = JSON.stringify(tolerations);
    parts.push(this.#part(taints, tolerated, (node) => toleratesTaints(request, node) === null));
    for (const { source, constraint } of request.constraints) {
      parts.push(this.#constraintPart(constraint, source));
    }
    if (gpu) {
      const has = (node: Described) =>
        hasGpuModel(request, node) === null &&
        hasGpuCapacity(request, node) === null &&
        hasHealthyGpus(request, node) === null;
      parts.push(this.#part(gpus, JSON.stringify(gpu), has));
    }
    if (devices.length > 0) {
      const has = (node: Described) => hasDevices(request, node) === null;
      parts.push(this.#part(countedDevices, JSON.stringify(devices), has));
    }
    if (diskClass !== null && amounts.diskMiB > 0) {
      parts.push(this.#part(media, diskClass, (node) => hasDisk(request, node) === null));
    }
    return parts;
  }

  /** The part of a trait that one kind of question is about. */
  #part(trait: Trait, question: string, test: (node: Described) => boolean): Part {
    return this.#keptPart(`${trait.name} ${question}`, test, () => {
      const column = this.#attributes.column(trait.name, trait.read);
      return this.#bitsWhere(column, (description) => test({ description }));
    });
  }

  #constraintPart(constraint: Constraint, source: string): Part {
    const test = (node: Described) => holdsOn(constraint, node);
    return this.#keptPart(`constraint ${source}`, test, () => this.#bitsOf(constraint));
  }

  #keptPart(key: string, test: Part["test"], bitsOf: () => SlotBits): Part {
    const known = this.#parts.get(key);
    const part = known ?? { test, bits: bitsOf() };
    this.#parts.delete(key);
    this.#parts.set(key, part);
    dropOldest(this.#parts, MASKS_REMEMBERED_MAX);
    return part;
  }

  #bitsOf(constraint: Constraint): SlotBits {
    switch (constraint.op) {
      case "and":
      case "or": {
        const right = this.#bitsOf(constraint.right);
        const isAnd = constraint.op === "and";
        return this.#bitsOf(constraint.left).map((word, at) => {
          const other = right[at] as number;
          return isAnd ? word & other : word | other;
        });
      }
      case "not":
        return this.#bitsOf(constraint.term).map((word) => ~word);
      case "exists":
      case "in":
      case "compare": {
        const column = presenceColumn(this.#attributes, constraint.path);
        return this.#bitsWhere(column, (description) => holdsOn(constraint, { description }));
      }
    }
  }

  #bitsWhere(
    { numbers, samples, nodes }: AttributeColumn,
    test: (description: NodeDescription) => boolean,
  ): SlotBits {
    const answers = samples.map((sample, number) => (nodes[number] ?? 0) > 0 && test(sample));
    const { slots } = this.#attributes;
    const bits = slotBits(slots);
    for (let slot = 0; slot < slots; slot += 1) {
      if (answers[numbers[slot] as number] !== true) continue;
      bits[slot >>> 5] = (bits[slot >>> 5] as number) | (1 << (slot & 31));
    }
    return bits;
  }
}

/** The column of an attribute for constraints: `=` and the value, or nothing where there is none. */
export function presenceColumn(attributes: NodeAttributes, path: string): AttributeColumn {
  return attributes.column(`has ${path}`, (node) => {
    const value = nodeAttribute(node, path);
    return value === undefined ? "" : `=${value}`;
  });
}

/** The column of an attribute for rules; nodes that lack it have the value "" in common. */
export function attributeColumn(attributes: NodeAttributes, path: string): AttributeColumn {
  return attributes.column(path, (node) => String(nodeAttribute(node, path) ?? ""));
}

/** What nodes have in common for some question: nodes with the same text are answered alike. */
interface Trait {
  readonly name: string;
  readonly read: (node: NodeDescription) => string;
}

const drivers: Trait = {
  name: "drivers",
  read: (node) =>
    textOf(
      node.drivers.filter(({ available }) => available),
      ({ name }) => name,
    ),
};
const pools: Trait = { name: "pool", read: (node) => node.pool ?? "" };
const taints: Trait = { name: "taints", read: (node) => textOf(node.taints, ({ key }) => key) };
const countedDevices: Trait = {
  name: "devices",
  read: (node) => textOf(Object.entries(node.devices ?? {}), ([name, count]) => [name, count]),
};
const media: Trait = {
  name: "media",
  read: (node) => textOf(node.storage, ({ mediaClass }) => mediaClass),
};
const gpus: Trait = {
  name: "gpus",
  read: (description) =>
    textOf(gpuDevices({ description }), ({ model, memoryMiB, profile, isHealthy }) => [
      model,
      memoryMiB,
      profile,
      isHealthy,
    ]),
};

function textOf<Item>(items: readonly Item[] | undefined, part: (item: Item) => unknown): string {
  return JSON.stringify((items ?? []).map((item) => JSON.stringify(part(item))).sort());
}

function keyOf(request: PlacementRequest): string {
  const { driver, pool, tolerations, constraints, gpu, devices, diskClass, amounts } = request;
  if (pool === null && tolerations.length + constraints.length + devices.length === 0 && !gpu) {
    return diskClass === null || amounts.diskMiB === 0 ? driver : `${driver} ${diskClass}`;
  }
  return JSON.stringify([
    driver,
    pool,
    tolerations,
    constraints.length > 1
      ? [...new Set(constraints.map(({ source }) => source))].sort()
      : constraints[0]?.source,
    gpu,
    devices,
    amounts.diskMiB > 0 ? diskClass : null,
  ]);
}

function dropOldest<Value>(map: Map<string, Value>, most: number): void {
  if (map.size <= most) return;
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}
