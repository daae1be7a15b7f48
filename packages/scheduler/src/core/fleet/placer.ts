import {
  limits,
  type NodeDescription,
  type NodeId,
  rulesOf,
  type WorkloadSpec,
} from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { newPlacementRequest, type PlacementRequest } from "../place/placement-request.ts";
import { LearnedPrices, type Prices } from "../price/index.ts";
import { newNode } from "../state/apply-node-event.ts";
import { unused } from "../state/node-usage.ts";
import { gpusFor } from "./column-grant.ts";
import { domainsWithRoom, within } from "./domains.ts";
import { fitsAt } from "./fits-at.ts";
import type { Fleet } from "./fleet.ts";
import { grown, NONE } from "./fleet-columns.ts";
import type { FleetRequest } from "./fleet-request.ts";
import { lossAt } from "./node-loss.ts";
import { attributeColumn } from "./node-masks.ts";
import { roomOf } from "./node-room.ts";
import { isPlain, PlacementEngine } from "./placement-engine.ts";
import { PreferencesInForce } from "./preferences-in-force.ts";
import { TaskTable } from "./task-table.ts";

/** A workload that is being placed. */
interface Session {
  readonly spec: WorkloadSpec;
  readonly wanted: PlacementRequest;
  readonly request: FleetRequest;
  readonly preferences: PreferencesInForce;
  /** The list of its tasks; `NONE` where no rule asks what else of it runs where. */
  readonly list: number;
}

/**
 * The placement engine by itself, without a cluster's state, log or explanations: nodes join and leave,
 * workloads are placed task by task, each where it is best as things are then, and tasks end. Decisions
 * are those of the scheduler, for all that needs no more of a node than its columns tell (`isPlain`).
 *
 *     const placer = new Placer();
 *     for (const description of nodes) placer.join(description);      // a slot for each node
 *     const placed = placer.place(spec, count, tasks);                 // tasks: numbers of what fits
 *     placer.slotOf(tasks[0]);  placer.end(tasks[0]);
 *
 * Prices are those of the cluster's capacity, or the ones given. Sessions are kept while the same spec
 * (the same object) goes on being placed.
 */
export class Placer {
  readonly engine: PlacementEngine;
  readonly #learned: LearnedPrices | null;
  readonly #tasks = new TaskTable();
  readonly #lists = new WeakMap<WorkloadSpec, number>();
  #allocations = new Int32Array(0);
  #session: Session | null = null;
  #joined = 0;

  constructor(prices: Prices | null = null) {
    this.#learned = prices === null ? new LearnedPrices() : null;
    this.engine = new PlacementEngine(prices ?? new LearnedPrices().current);
  }

  /** An idle node joins; its slot is its own until it leaves. */
  join(description: NodeDescription): number {
    this.#closeSession();
    this.#joined += 1;
    const node = newNode(this.#joined, description, 0);
    const slot = this.engine.setNode(description, roomOf(node, unused()));
    if (slot >= this.#allocations.length) {
      this.#allocations = grown(this.#allocations, Math.max(64, slot + 1, 2 * slot));
    }
    this.#allocations[slot] = 0;
    this.#reprice();
    return slot;
  }

  /** A node is gone, and its tasks with it. */
  leave(id: NodeId): void {
    this.#closeSession();
    const slot = this.engine.fleet.slotOf(id);
    assert(slot !== undefined, `node ${id} has not joined`);
    const tasks = this.#tasks;
    for (let task = tasks.firstOn(slot); task !== NONE; task = tasks.firstOn(slot)) {
      tasks.remove(task);
    }
    this.engine.removeNode(id);
    this.#reprice();
  }

  /**
   * Places as many of `count` tasks as fit, writes their numbers to `tasks` and says how many they are:
   * of a gang all or none.
   */
  place(spec: WorkloadSpec, count: number, tasks: Int32Array): number {
    const gang = spec.placement?.gang;
    if (gang === undefined) return this.#placeSome(this.#sessionOf(spec), count, tasks);
    if (gang.within === null) return this.#placeAll(this.#sessionOf(spec), count, tasks);
    return this.#placeWithin(spec, gang.within, count, tasks);
  }

  /** On the nodes of one domain, which have one value of an attribute. */
  #placeWithin(spec: WorkloadSpec, path: string, count: number, tasks: Int32Array): number {
    const { fleet, attributes } = this.engine;
    const session = this.#sessionOf(spec);
    const column = attributeColumn(attributes, path);
    const bare = this.engine.compile(session.wanted, [], null);
    const numbers = domainsWithRoom(column, count, attributes.slots, (slot) =>
      fitsAt(fleet, bare, slot, limits.allocationsPerNodeMax - (this.#allocations[slot] as number)),
    );
    for (const number of numbers) {
      const session = this.#sessionOf(spec);
      const request = within(session.request, column, number, attributes.slots);
      const placed = this.#placeAll({ ...session, request }, count, tasks);
      if (placed === count) return placed;
    }
    return 0;
  }

  #placeAll(session: Session, count: number, tasks: Int32Array): number {
    const placed = this.#placeSome(session, count, tasks);
    if (placed === count) return placed;
    for (let at = placed - 1; at >= 0; at -= 1) this.end(tasks[at] as number);
    this.#closeSession();
    return 0;
  }

  /** Tasks of a workload are alike: what fits nowhere now speaks for all that follow. */
  #placeSome(session: Session, count: number, tasks: Int32Array): number {
    const { request, preferences } = session;
    const { fleet, search } = this.engine;
    let slot = NONE;
    let loss = 0;
    for (let placed = 0; placed < count; placed += 1) {
      // Others have not become better: the node that was best is so while it costs no more than it did.
      if (slot === NONE || !fleet.isOpen(slot) || lossAt(fleet, request, slot) > loss) {
        slot = search.find(request);
        loss = search.loss;
      }
      if (slot === NONE) return placed;
      tasks[placed] = this.#take(session, slot);
      preferences.add(slot);
    }
    return count;
  }

  /** The slot of the node that a task is on. */
  slotOf(task: number): number {
    const slot = this.#tasks.slot[task] ?? NONE;
    assert(slot !== NONE, `there is no task ${task}`);
    return slot;
  }

  /** A task has ended: what it was given is free again. */
  end(task: number): void {
    const slot = this.slotOf(task);
    const { fleet } = this.engine;
    giveBack(fleet, this.#tasks, slot, task);
    this.#allocations[slot] = (this.#allocations[slot] as number) - 1;
    fleet.revalue(slot);
    fleet.setOpen(slot, true);
    // Its workload may go where it was: what rules say of its nodes is worked out again.
    if (this.#tasks.isLinked(task)) this.#closeSession();
    this.#tasks.remove(task);
  }

  #take({ request, list }: Session, slot: number): number {
    const { fleet } = this.engine;
    const { columns } = fleet;
    const tasks = this.#tasks;
    const task = tasks.add(slot);
    tasks.cpuMillis[task] = request.cpuMillis;
    tasks.memoryMiB[task] = request.memoryMiB;
    tasks.diskMiB[task] = request.diskMiB;
    tasks.networkMbps[task] = request.networkMbps;
    tasks.ports[task] = request.ports;
    tasks.link(task, list);
    columns.cpuFree[slot] = (columns.cpuFree[slot] as number) - request.cpuMillis;
    columns.memoryFree[slot] = (columns.memoryFree[slot] as number) - request.memoryMiB;
    columns.diskFree[slot] = (columns.diskFree[slot] as number) - request.diskMiB;
    columns.networkFree[slot] = (columns.networkFree[slot] as number) - request.networkMbps;
    columns.portsFree[slot] = (columns.portsFree[slot] as number) - request.ports;
    if (request.gpuCount > 0) takeGpus(fleet, tasks, request, slot, task);
    else tasks.gpuMillis[task] = 0;
    const allocations = (this.#allocations[slot] as number) + 1;
    this.#allocations[slot] = allocations;
    fleet.revalue(slot);
    if (allocations >= limits.allocationsPerNodeMax) fleet.setOpen(slot, false);
    return task;
  }

  #sessionOf(spec: WorkloadSpec): Session {
    if (this.#session?.spec === spec) return this.#session;
    this.#closeSession();
    const request = newPlacementRequest(spec);
    const { colocate } = request;
    assert(
      isPlain(request) && colocate.length === 0,
      `${spec.name} asks for more than columns tell`,
    );
    const { attributes, masks } = this.engine;
    const list = this.#listOf(spec);
    const preferences = new PreferencesInForce(request, attributes, masks, {
      own: this.#whereabouts(list),
      slotsOf: () => [],
    });
    const compiled = this.engine.compile(request, preferences.all, null);
    const session = { spec, wanted: request, request: compiled, preferences, list };
    this.#session = session;
    return session;
  }

  #closeSession(): void {
    this.#session?.preferences.close();
    this.#session = null;
  }

  #listOf(spec: WorkloadSpec): number {
    const known = this.#lists.get(spec);
    if (known !== undefined) return known;
    const { spread, distinct } = rulesOf(spec);
    if (spec.kind !== "service" && spread.length + distinct.length === 0) return NONE;
    const list = this.#tasks.addList();
    this.#lists.set(spec, list);
    return list;
  }

  #whereabouts(list: number): Map<number, number> {
    const own = new Map<number, number>();
    for (const task of this.#tasks.rowsOf(list)) {
      const slot = this.#tasks.slot[task] as number;
      own.set(slot, (own.get(slot) ?? 0) + 1);
    }
    return own;
  }

  #reprice(): void {
    const { engine } = this;
    if (this.#learned?.refresh(engine.capacity.current)) engine.reprice(this.#learned.current);
  }
}

function takeGpus(
  fleet: Fleet,
  tasks: TaskTable,
  request: FleetRequest,
  slot: number,
  task: number,
): void {
  const { columns } = fleet;
  const first = columns.gpuFirst[slot] as number;
  tasks.gpuMillis[task] = request.gpuMillis;
  tasks.gpus[task] = 0;
  tasks.moreGpus[task] = 0;
  tasks.gpuMemoryMiB[task] = 0;
  for (const gpu of gpusFor(fleet, request, slot)) {
    columns.gpuFree[gpu] = (columns.gpuFree[gpu] as number) - request.gpuMillis;
    if (request.gpuMillis < 1000) {
      const memoryMiB = request.kinds?.[columns.gpuKind[gpu] as number] ?? 0;
      columns.gpuMemoryFree[gpu] = (columns.gpuMemoryFree[gpu] as number) - memoryMiB;
      tasks.gpuMemoryMiB[task] = memoryMiB;
    }
    const at = gpu - first;
    const bits = at < 32 ? tasks.gpus : tasks.moreGpus;
    bits[task] = (bits[task] as number) | (1 << (at % 32));
  }
}

function giveBack({ columns }: Fleet, tasks: TaskTable, slot: number, task: number): void {
  const add = (column: Float64Array | Int32Array, amount: number) => {
    column[slot] = (column[slot] as number) + amount;
  };
  add(columns.cpuFree, tasks.cpuMillis[task] as number);
  add(columns.memoryFree, tasks.memoryMiB[task] as number);
  add(columns.diskFree, tasks.diskMiB[task] as number);
  add(columns.networkFree, tasks.networkMbps[task] as number);
  add(columns.portsFree, tasks.ports[task] as number);
  const millis = tasks.gpuMillis[task] as number;
  if (millis === 0) return;
  const first = columns.gpuFirst[slot] as number;
  const count = columns.gpuCount[slot] as number;
  for (let at = 0; at < count; at += 1) {
    const bits = (at < 32 ? tasks.gpus[task] : tasks.moreGpus[task]) as number;
    if ((bits & (1 << (at % 32))) === 0) continue;
    const gpu = first + at;
    columns.gpuFree[gpu] = (columns.gpuFree[gpu] as number) + millis;
    const memoryMiB = (columns.gpuMemoryFree[gpu] as number) + (tasks.gpuMemoryMiB[task] as number);
    columns.gpuMemoryFree[gpu] = memoryMiB;
  }
}
