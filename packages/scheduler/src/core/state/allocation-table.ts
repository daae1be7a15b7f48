import {
  allocationId,
  type AllocationId,
  allocationNumber,
  type AllocationStatus,
  dimensions,
  type Exit,
  type Grant,
  type Health,
  type NodeId,
  type Outcome,
  type ResourceAmounts,
  type StopReason,
  type WorkloadId,
  type WorkloadSpec,
} from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { type AllocationColumns, copyColumns, emptyColumns } from "./allocation-columns.ts";
import { outcomeOf } from "./allocation-status.ts";
import { type Column } from "./columns.ts";
import {
  NO_GPUS,
  NO_PORTS,
  NOTHING_SPECIAL,
  ORDINARY_FIELDS,
  type SpecialGrant,
} from "./special-grant.ts";

export { NO_GPUS, NO_PORTS, NOTHING_SPECIAL, type SpecialGrant } from "./special-grant.ts";

/** One version of a workload: a value that all its allocations share. */
export interface Revision {
  readonly workloadId: WorkloadId;
  readonly version: number;
  readonly spec: WorkloadSpec;
}

/** A node under the name it had: a value that what was placed there shares. */
export interface Place {
  readonly nodeId: NodeId;
  readonly nodeName: string;
}

/** What an allocation is from its first moment on. */
export interface Placement {
  readonly number: number;
  readonly revision: Revision;
  readonly index: number;
  readonly attempt: number;
  readonly place: Place;
  readonly granted: Grant;
  readonly placedAtUnixMs: number;
}

/** What becomes of it. */
export interface AllocationProgress {
  status: AllocationStatus;
  health: Health;
  stopReason: StopReason | null;
  pid: number | null;
  startedAtUnixMs: number | null;
  message: string | null;
  exit: Exit | null;
  finishedAtUnixMs: number | null;
}

/** An allocation as it is now. A view of the table: it changes with it, and ends with its row. */
export interface AllocationRecord extends Placement, AllocationProgress {
  readonly id: AllocationId;
  /** The parts of `granted`, where making one of them all is not worth it. */
  readonly amounts: ResourceAmounts;
  readonly ports: Grant["ports"];
  readonly gpuUuids: Grant["gpuUuids"];
  readonly special: SpecialGrant;
  readonly workloadId: WorkloadId;
  readonly workloadVersion: number;
  /** The workload as it was when this was placed: what the agent runs. */
  readonly spec: WorkloadSpec;
  readonly nodeId: NodeId;
  readonly nodeName: string;
  /** Null while it is live. */
  readonly outcome: Outcome | null;
}

/**
 * Every allocation that is remembered, in order of their numbers. Reads like a map of records by
 * id; kept as columns, so that a million of them fit.
 */
export class AllocationTable {
  readonly #columns: AllocationColumns;
  /** By number. */
  readonly #rows: Map<number, number>;
  readonly #free: number[];

  constructor(
    columns: AllocationColumns = emptyColumns(),
    rows = new Map<number, number>(),
    free: number[] = [],
  ) {
    this.#columns = columns;
    this.#rows = rows;
    this.#free = free;
  }

  /** A table that changes by itself, in time for copying arrays; the values in them are shared. */
  copy(): AllocationTable {
    return new AllocationTable(copyColumns(this.#columns), new Map(this.#rows), [...this.#free]);
  }

  get size(): number {
    return this.#rows.size;
  }

  has(id: AllocationId): boolean {
    return this.#rows.has(allocationNumber(id));
  }

  get(id: AllocationId): AllocationRecord | undefined {
    const number = allocationNumber(id);
    const row = this.#rows.get(number);
    return row === undefined ? undefined : new Row(this.#columns, row, number);
  }

  *values(): Generator<AllocationRecord> {
    for (const [number, row] of this.#rows) yield new Row(this.#columns, row, number);
  }

  /** Makes room for so many rows at once: growing row by row copies each of them several times. */
  reserve(rows: number): void {
    const columns: readonly Column[] = Object.values(this.#columns);
    for (const column of columns) column.reserve(rows);
  }

  /** Numbers only grow. */
  add(placement: Placement, progress: AllocationProgress): void {
    const { number } = placement;
    assert(!this.#rows.has(number), "an allocation is added once");
    const row = this.#free.pop() ?? this.#rows.size;
    this.#rows.set(number, row);
    writePlacement(this.#columns, row, placement);
    writeProgress(this.#columns, row, progress);
  }

  delete(id: AllocationId): void {
    const number = allocationNumber(id);
    const row = this.#rows.get(number);
    if (row === undefined) return;
    this.#rows.delete(number);
    this.#free.push(row);
    const columns = this.#columns;
    columns.number.set(row, 0);
    const { revision, place, amounts, ports, gpuUuids, special, message, exit } = columns;
    for (const column of [revision, place, amounts, ports, gpuUuids, special, message, exit]) {
      column.clear(row);
    }
  }
}

function specialOf(granted: Grant): SpecialGrant {
  if (Object.keys(granted).length === ORDINARY_FIELDS) return NOTHING_SPECIAL;
  const { gpuShareMillis, gpuMemoryMiB, devices, storage, zone, exclusiveCores } = granted;
  const special: SpecialGrant = {
    ...(gpuShareMillis === undefined ? {} : { gpuShareMillis }),
    ...(gpuMemoryMiB === undefined ? {} : { gpuMemoryMiB }),
    ...(devices === undefined ? {} : { devices }),
    ...(storage === undefined ? {} : { storage }),
    ...(zone === undefined ? {} : { zone }),
    ...(exclusiveCores === undefined ? {} : { exclusiveCores }),
  };
  return isEmpty(special) ? NOTHING_SPECIAL : special;
}

function writePlacement(columns: AllocationColumns, row: number, placement: Placement): void {
  const { revision, granted } = placement;
  columns.number.set(row, placement.number);
  columns.revision.set(row, revision);
  columns.index.set(row, placement.index);
  columns.attempt.set(row, placement.attempt);
  columns.place.set(row, placement.place);
  columns.amounts.set(row, sharedAmounts(granted, revision.spec.resources));
  columns.ports.set(row, isEmpty(granted.ports) ? NO_PORTS : granted.ports);
  columns.gpuUuids.set(row, granted.gpuUuids.length === 0 ? NO_GPUS : granted.gpuUuids);
  columns.special.set(row, specialOf(granted));
  columns.placedAtUnixMs.set(row, placement.placedAtUnixMs);
}

function writeProgress(
  columns: AllocationColumns,
  row: number,
  progress: AllocationProgress,
): void {
  columns.status.set(row, progress.status);
  columns.health.set(row, progress.health);
  columns.stopReason.set(row, progress.stopReason);
  columns.pid.set(row, progress.pid);
  columns.startedAtUnixMs.set(row, progress.startedAtUnixMs);
  columns.message.set(row, progress.message);
  columns.exit.set(row, progress.exit);
  columns.finishedAtUnixMs.set(row, progress.finishedAtUnixMs);
}

function isEmpty(record: object): boolean {
  for (const _ in record) return false;
  return true;
}

/** What was asked for is nearly always what was granted: then that is the value kept. */
function sharedAmounts(granted: ResourceAmounts, asked: ResourceAmounts): ResourceAmounts {
  if (dimensions.every((dimension) => granted[dimension] === asked[dimension])) return asked;
  const { cpuMillis, memoryMiB, diskMiB, networkMbps } = granted;
  return { cpuMillis, memoryMiB, diskMiB, networkMbps };
}

class Row implements AllocationRecord {
  readonly number: number;
  readonly #columns: AllocationColumns;
  readonly #at: number;

  constructor(columns: AllocationColumns, row: number, number: number) {
    this.#columns = columns;
    this.#at = row;
    this.number = number;
  }

  get id() {
    return allocationId(this.number);
  }

  get #row(): number {
    assert(this.#columns.number.get(this.#at) === this.number, "the allocation is forgotten");
    return this.#at;
  }

  get revision() {
    return this.#columns.revision.get(this.#row);
  }
  get workloadId() {
    return this.revision.workloadId;
  }
  get workloadVersion() {
    return this.revision.version;
  }
  get spec() {
    return this.revision.spec;
  }
  get index() {
    return this.#columns.index.get(this.#row);
  }
  get attempt() {
    return this.#columns.attempt.get(this.#row);
  }
  get place() {
    return this.#columns.place.get(this.#row);
  }
  get nodeId() {
    return this.place.nodeId;
  }
  get nodeName() {
    return this.place.nodeName;
  }
  get amounts() {
    return this.#columns.amounts.get(this.#row);
  }
  get granted(): Grant {
    const { gpuUuids, ports, special } = this;
    const { cpuMillis, memoryMiB, diskMiB, networkMbps } = this.amounts;
    return { cpuMillis, memoryMiB, diskMiB, networkMbps, gpuUuids, ports, ...special };
  }
  get ports() {
    return this.#columns.ports.get(this.#row);
  }
  get gpuUuids() {
    return this.#columns.gpuUuids.get(this.#row);
  }
  get special() {
    return this.#columns.special.get(this.#row);
  }
  get placedAtUnixMs() {
    return this.#columns.placedAtUnixMs.get(this.#row);
  }
  get outcome() {
    return outcomeOf(this.status);
  }

  get status() {
    return this.#columns.status.get(this.#row);
  }
  set status(status) {
    this.#columns.status.set(this.#row, status);
  }
  get health() {
    return this.#columns.health.get(this.#row);
  }
  set health(health) {
    this.#columns.health.set(this.#row, health);
  }
  get stopReason() {
    return this.#columns.stopReason.get(this.#row);
  }
  set stopReason(stopReason) {
    this.#columns.stopReason.set(this.#row, stopReason);
  }
  get pid() {
    return this.#columns.pid.get(this.#row);
  }
  set pid(pid) {
    this.#columns.pid.set(this.#row, pid);
  }
  get startedAtUnixMs() {
    return this.#columns.startedAtUnixMs.get(this.#row);
  }
  set startedAtUnixMs(startedAtUnixMs) {
    this.#columns.startedAtUnixMs.set(this.#row, startedAtUnixMs);
  }
  get message() {
    return this.#columns.message.get(this.#row);
  }
  set message(message) {
    this.#columns.message.set(this.#row, message);
  }
  get exit() {
    return this.#columns.exit.get(this.#row);
  }
  set exit(exit) {
    this.#columns.exit.set(this.#row, exit);
  }
  get finishedAtUnixMs() {
    return this.#columns.finishedAtUnixMs.get(this.#row);
  }
  set finishedAtUnixMs(finishedAtUnixMs) {
    this.#columns.finishedAtUnixMs.set(this.#row, finishedAtUnixMs);
  }
}
