import { type Engine, type EngineFactory, NOWHERE } from "./engine.ts";
import { placementsWanted, type Scenario, type Step } from "./scenario.ts";

/** A scenario on its way, step by step. */
export class Play {
  readonly engine: Engine;
  /** Node of each allocation asked for, by its number; `NOWHERE` where none is or was. */
  readonly places: Int32Array;
  /** Allocations asked for, and placed, so far. */
  asked = 0;
  placed = 0;
  /** 1 for allocations that have ended. */
  readonly #ended: Uint8Array;
  /** What was placed on a node before this many allocations were asked for is lost with it. */
  readonly #lostUpTo: Int32Array;

  constructor(scenario: Scenario, createEngine: EngineFactory) {
    const { nodes, nodesAtStart, before, steps } = scenario;
    this.engine = createEngine(scenario);
    const wanted = placementsWanted(before) + placementsWanted(steps);
    this.places = new Int32Array(wanted).fill(NOWHERE);
    this.#ended = new Uint8Array(wanted);
    this.#lostUpTo = new Int32Array(nodes.length);
    for (let node = 0; node < nodesAtStart; node += 1) this.engine.join(node);
    for (const step of before) this.take(step);
  }

  /** Memory that keeping track of it takes: none of the engine's. */
  get ownBytes(): number {
    const { places, engine } = this;
    const track = places.byteLength + this.#ended.byteLength + this.#lostUpTo.byteLength;
    return track + engine.translationBytes;
  }

  /** Takes a step; a workload in parts of at most `together` allocations. */
  take(step: Step, together = Infinity): void {
    switch (step.kind) {
      case "join":
        return this.engine.join(step.node);
      case "leave":
        return this.#leave(step.node);
      case "finish":
        return this.#finish(step.allocation);
      case "place": {
        let left = step.count;
        while (left > 0) {
          const count = Math.min(left, together);
          this.#place(step, count);
          left -= count;
        }
      }
    }
  }

  #place({ spec }: Step & { kind: "place" }, count: number): void {
    const first = this.asked;
    this.engine.place(spec, first, count, this.places);
    this.asked += count;
    for (let allocation = first; allocation < this.asked; allocation += 1) {
      if (this.places[allocation] !== NOWHERE) this.placed += 1;
    }
  }

  #finish(allocation: number): void {
    const node = this.places[allocation] ?? NOWHERE;
    if (node === NOWHERE || this.#ended[allocation] === 1) return;
    if (allocation < (this.#lostUpTo[node] as number)) return;
    this.#ended[allocation] = 1;
    this.engine.finish(allocation, node);
  }

  #leave(node: number): void {
    this.#lostUpTo[node] = this.asked;
    this.engine.leave(node);
  }
}

/** A fingerprint of every decision in order: FNV-1a over the nodes chosen. */
export function hashOf(places: Int32Array): string {
  let hash = 0x811c_9dc5;
  for (const node of places) hash = Math.imul(hash ^ (node + 1), 0x0100_0193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
