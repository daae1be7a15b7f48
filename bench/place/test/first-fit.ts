import type { NodeDescription, WorkloadSpec } from "@berth/protocol";
import { type Engine, NOWHERE } from "../engine.ts";

/** The simplest engine there could be: cpu and memory alone, and the first node that has them. */
export class FirstFit implements Engine {
  readonly translationBytes = 0;
  readonly joined: boolean[] = [];
  readonly #nodes: readonly NodeDescription[];
  readonly #cpuFree: number[] = [];
  readonly #memoryFree: number[] = [];
  readonly #specs: WorkloadSpec[] = [];

  constructor(nodes: readonly NodeDescription[]) {
    this.#nodes = nodes;
  }

  join(node: number): void {
    const { capacity } = this.#nodes[node] ?? missing(`node ${node}`);
    this.#cpuFree[node] = capacity.cpuMillis;
    this.#memoryFree[node] = capacity.memoryMiB;
    this.joined[node] = true;
  }

  leave(node: number): void {
    if (this.joined[node] !== true) missing(`node ${node}`);
    this.joined[node] = false;
  }

  place(spec: WorkloadSpec, first: number, count: number, places: Int32Array): void {
    for (let allocation = first; allocation < first + count; allocation += 1) {
      places[allocation] = this.#placeOne(spec);
      this.#specs[allocation] = spec;
    }
  }

  finish(allocation: number, node: number): void {
    const spec = this.#specs[allocation] ?? missing(`allocation ${allocation}`);
    if (this.joined[node] !== true) missing(`node ${node}`);
    this.#add(node, spec, 1);
  }

  #placeOne(spec: WorkloadSpec): number {
    const { cpuMillis, memoryMiB } = spec.resources;
    for (const node of this.#nodes.keys()) {
      if (this.joined[node] !== true) continue;
      if ((this.#cpuFree[node] ?? 0) < cpuMillis) continue;
      if ((this.#memoryFree[node] ?? 0) < memoryMiB) continue;
      this.#add(node, spec, -1);
      return node;
    }
    return NOWHERE;
  }

  #add(node: number, { resources }: WorkloadSpec, times: number): void {
    this.#cpuFree[node] = (this.#cpuFree[node] ?? 0) + times * resources.cpuMillis;
    this.#memoryFree[node] = (this.#memoryFree[node] ?? 0) + times * resources.memoryMiB;
    const { capacity } = this.#nodes[node] ?? missing(`node ${node}`);
    const isWithin =
      (this.#cpuFree[node] ?? 0) <= capacity.cpuMillis &&
      (this.#memoryFree[node] ?? 0) <= capacity.memoryMiB;
    if (!isWithin) throw new RangeError(`node ${node} is given back more than it has`);
  }
}

function missing(what: string): never {
  throw new RangeError(`no ${what}`);
}
