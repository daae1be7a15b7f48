import { type NodeDescription, WHOLE_GPU_MILLIS } from "@berth/protocol";
import { healthyGpus } from "../place/gpus.ts";
import type { Capacity } from "../price/index.ts";
import type { Fleet } from "./fleet.ts";

interface NodeCapacity {
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  /** Devices that are granted as a whole or in shares, by number of their kind. */
  readonly kinds: readonly (readonly [kind: number, devices: number])[];
}

/** What all nodes have, open or not: prices depend on it. Kept as nodes come and change. */
export class CapacityCount {
  readonly #fleet: Fleet;
  readonly #nodes: (NodeCapacity | null)[] = [];
  readonly #kindMillis: number[] = [];
  readonly #besideGpus = { cpuMillis: 0, memoryMiB: 0 };
  readonly #elsewhere = { cpuMillis: 0, memoryMiB: 0 };
  #current: Capacity | null = null;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  /** The same object until something changes. */
  get current(): Capacity {
    this.#current ??= {
      gpuKinds: this.#fleet.gpuKinds.map((kind, number) => ({
        ...kind,
        capacityMillis: this.#kindMillis[number] ?? 0,
      })),
      besideGpus: { ...this.#besideGpus },
      elsewhere: { ...this.#elsewhere },
    };
    return this.#current;
  }

  set(slot: number, description: NodeDescription): void {
    this.clear(slot);
    const { capacity, reserved } = description;
    const kinds = new Map<number, number>();
    for (const device of healthyGpus({ description })) {
      if (device.profile !== null) continue;
      const kind = this.#fleet.kindNumber(device);
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    const node = {
      cpuMillis: Math.max(0, capacity.cpuMillis - reserved.cpuMillis),
      memoryMiB: Math.max(0, capacity.memoryMiB - reserved.memoryMiB),
      kinds: [...kinds],
    };
    this.#nodes[slot] = node;
    this.#add(node, 1);
  }

  clear(slot: number): void {
    const node = this.#nodes[slot];
    if (!node) return;
    this.#nodes[slot] = null;
    this.#add(node, -1);
  }

  #add({ cpuMillis, memoryMiB, kinds }: NodeCapacity, sign: 1 | -1): void {
    this.#current = null;
    const sum = kinds.length > 0 ? this.#besideGpus : this.#elsewhere;
    sum.cpuMillis += sign * cpuMillis;
    sum.memoryMiB += sign * memoryMiB;
    for (const [kind, devices] of kinds) {
      const millis = sign * devices * WHOLE_GPU_MILLIS;
      this.#kindMillis[kind] = (this.#kindMillis[kind] ?? 0) + millis;
    }
  }
}
