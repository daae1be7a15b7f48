import {
  allocationNumber,
  dimensions,
  limits,
  type PendingGroup,
  type ResourceAmounts,
} from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import {
  type AllocationRecord,
  NO_GPUS,
  NO_PORTS,
  NOTHING_SPECIAL,
  type Place,
  type Revision,
} from "../allocation-table.ts";
import type { ClusterState, Slot } from "../cluster-state.ts";
import { eventsAfter } from "../event-ring.ts";
import { isFirstPlaced } from "../slot-table.ts";
import {
  type AllocationRow,
  type HeaderRow,
  type NodeRow,
  type PendingRow,
  type SectionName,
  type SlotRow,
  STATE_FORMAT,
  STATE_FORMAT_VERSION,
  type StateSections,
  type WorkloadRow,
  words,
} from "./state-format.ts";
import { encodeUtf8 } from "./utf8.ts";

/** UTF-16 units of a chunk with one row: each becomes at most three bytes. */
const CHUNK_UNITS_MAX = Math.floor(limits.snapshotChunkBytesMax / 3);
/**
 * UTF-16 units of a chunk with several rows. Up to here its text is an ordinary object for V8, however
 * wide its characters. Larger ones get pages of their own: making those takes longer than decoding.
 */
const CHUNK_UNITS_WANTED = 60 * 1024;
/** Ranges in one row of waiting indexes. */
const RANGES_PER_ROW_MAX = 1_000;

/**
 * The state as chunks of at most `limits.snapshotChunkBytesMax` bytes, made one at a time as they
 * are asked for: the state must not change meanwhile. `decodeState` makes an equal state of them.
 */
export function* encodeState(state: ClusterState): Generator<Uint8Array> {
  let rows = 0;
  for (const [section, sectionRows] of sectionsOf(state)) {
    const chunk = new ChunkDraft(section);
    for (const row of sectionRows) {
      const text = JSON.stringify(row);
      if (!chunk.fits(text)) yield chunk.take();
      chunk.add(text);
      rows += 1;
    }
    if (!chunk.isEmpty) yield chunk.take();
  }
  const end = new ChunkDraft("end");
  end.add(JSON.stringify({ rows } satisfies StateSections["end"]));
  yield end.take();
}

class ChunkDraft {
  readonly #frame: string;
  #rows: string[] = [];
  #units = 0;

  constructor(section: SectionName) {
    this.#frame = `{"section":"${section}","rows":[`;
  }

  get isEmpty(): boolean {
    return this.#rows.length === 0;
  }

  fits(row: string): boolean {
    const units = this.#frame.length + this.#units + row.length + 2;
    return units <= (this.isEmpty ? CHUNK_UNITS_MAX : CHUNK_UNITS_WANTED);
  }

  add(row: string): void {
    assert(this.fits(row), `a row of ${row.length} characters has no room in a chunk`);
    this.#rows.push(row);
    this.#units += row.length + 1;
  }

  take(): Uint8Array {
    const text = `${this.#frame}${this.#rows.join(",")}]}`;
    this.#rows = [];
    this.#units = 0;
    return encodeUtf8(text);
  }
}

type Section = { [Name in SectionName]: [Name, Iterable<StateSections[Name]>] }[SectionName];

/** Every section but the last, which counts the rows of these. */
export function* sectionsOf(state: ClusterState): Generator<Section> {
  const index = new SharedValues(state);
  yield ["header", [headerOf(state)]];
  yield ["nodes", nodeRows(state)];
  yield ["revisions", index.revisions];
  yield ["workloads", workloadRows(state, index)];
  yield ["pending", pendingRows(state)];
  yield ["slots", slotRows(state)];
  yield ["places", index.places];
  yield ["amounts", index.amounts];
  yield ["allocations", allocationRows(state, index)];
  yield ["projects", state.projects.values()];
  yield ["pools", state.pools.values()];
  yield ["reservations", state.reservations.values()];
  yield ["yielding", state.yielding];
  yield ["moves", state.moves];
  yield ["explanations", state.explanations];
  yield ["answers", answerRows(state)];
  yield ["events", eventsAfter(state.events, 0)];
}

function headerOf(state: ClusterState): HeaderRow {
  const { status, health, stopReason } = words;
  return {
    format: STATE_FORMAT,
    v: STATE_FORMAT_VERSION,
    clusterId: state.clusterId,
    term: state.term,
    leader: state.leader,
    version: state.version,
    seq: state.seq,
    atUnixMs: state.atUnixMs,
    nextNodeNumber: state.nextNodeNumber,
    nextWorkloadNumber: state.nextWorkloadNumber,
    nextAllocationNumber: state.nextAllocationNumber,
    ...(state.nextReservationNumber === 1
      ? {}
      : { nextReservationNumber: state.nextReservationNumber }),
    droppedThroughSeq: state.events.droppedThroughSeq,
    words: { status: [...status], health: [...health], stopReason: [...stopReason] },
  };
}

function* nodeRows(state: ClusterState): Generator<NodeRow> {
  for (const node of state.nodes.values()) {
    yield {
      number: node.number,
      description: node.description,
      status: node.status,
      statusReason: node.statusReason,
      statusSinceUnixMs: node.statusSinceUnixMs,
      eligibility: node.eligibility,
      eligibilityReason: node.eligibilityReason,
      drain: node.drain,
      generation: node.generation,
    };
  }
}

function* workloadRows(state: ClusterState, index: SharedValues): Generator<WorkloadRow> {
  for (const workload of state.workloads.values()) {
    yield {
      number: workload.number,
      revision: index.revisionOf(workload.revision),
      taskVersion: workload.taskVersion,
      stopped: workload.stopped,
      removing: workload.removing,
      submittedAtUnixMs: workload.submittedAtUnixMs,
      updatedAtUnixMs: workload.updatedAtUnixMs,
      counts: workload.counts,
    };
  }
}

function* pendingRows(state: ClusterState): Generator<PendingRow> {
  for (const [position, { pending }] of [...state.workloads.values()].entries()) {
    for (const group of pending) yield* pendingRowsOf(position, group);
  }
}

function* pendingRowsOf(workload: number, group: PendingGroup): Generator<PendingRow> {
  const { indexes, explanation } = group;
  for (let at = 0; at < indexes.length; at += RANGES_PER_ROW_MAX) {
    const ranges = indexes.slice(at, at + RANGES_PER_ROW_MAX);
    yield [workload, ranges, at === 0 ? explanation : null];
  }
}

function* slotRows(state: ClusterState): Generator<SlotRow> {
  for (const [position, { slots }] of [...state.workloads.values()].entries()) {
    for (const slot of slots.values()) yield slotRow(position, slot);
  }
}

function slotRow(workload: number, slot: Slot): SlotRow {
  const { index, attempt, failuresAtUnixMs, retryAtUnixMs, lastFailure, done } = slot;
  const live = slot.live === null ? null : allocationNumber(slot.live);
  return isFirstPlaced(slot)
    ? [workload, index, live]
    : [workload, index, live, attempt, failuresAtUnixMs, retryAtUnixMs, lastFailure, done];
}

function* allocationRows(state: ClusterState, index: SharedValues): Generator<AllocationRow> {
  for (const allocation of state.allocations.values()) yield allocationRow(allocation, index);
}

function allocationRow(allocation: AllocationRecord, index: SharedValues): AllocationRow {
  const { ports, gpuUuids, special, stopReason } = allocation;
  const row: AllocationRow = [
    allocation.number,
    index.revisionOf(allocation.revision),
    allocation.index,
    allocation.attempt,
    index.placeOf(allocation.place),
    index.amountsOf(allocation.amounts),
    allocation.placedAtUnixMs,
    words.status.indexOf(allocation.status),
    words.health.indexOf(allocation.health),
    allocation.pid,
    allocation.startedAtUnixMs,
    ports === NO_PORTS ? null : ports,
    gpuUuids === NO_GPUS ? null : gpuUuids,
    allocation.message,
    stopReason === null ? null : words.stopReason.indexOf(stopReason),
    allocation.exit,
    allocation.finishedAtUnixMs,
    special === NOTHING_SPECIAL ? null : special,
  ];
  while (row.at(-1) === null) row.pop();
  return row;
}

function* answerRows({ answers }: ClusterState): Generator<StateSections["answers"]> {
  for (const [id, { method, reply, seq }] of answers) yield [id, method, reply, seq];
}

/** Values that many rows share, written once: by position, in order of first use. */
class SharedValues {
  readonly revisions: Revision[] = [];
  readonly places: StateSections["places"][] = [];
  readonly amounts: number[][] = [];
  readonly #revisions = new Map<Revision, number>();
  readonly #places = new Map<Place, number>();
  readonly #amounts = new Map<ResourceAmounts, number>();
  readonly #positions = new Map<string, number>();

  constructor({ workloads, allocations }: ClusterState) {
    for (const { revision } of workloads.values()) this.#addRevision(revision);
    for (const { revision, place, amounts } of allocations.values()) {
      this.#addRevision(revision);
      this.#addPlace(place);
      this.#addAmounts(amounts);
    }
  }

  revisionOf(revision: Revision): number {
    return positionIn(this.#revisions, revision);
  }

  placeOf(place: Place): number {
    return positionIn(this.#places, place);
  }

  amountsOf(amounts: ResourceAmounts): number {
    return positionIn(this.#amounts, amounts);
  }

  #addRevision(revision: Revision): void {
    if (this.#revisions.has(revision)) return;
    this.#revisions.set(revision, this.revisions.length);
    this.revisions.push(revision);
  }

  /** Equal places are one, however many values they are: a node that returns may have a new one. */
  #addPlace(place: Place): void {
    if (this.#places.has(place)) return;
    const { nodeId, nodeName } = place;
    this.#places.set(place, this.#positionOf([nodeId, nodeName], this.places));
  }

  #addAmounts(amounts: ResourceAmounts): void {
    if (this.#amounts.has(amounts)) return;
    const row = dimensions.map((dimension) => amounts[dimension]);
    this.#amounts.set(amounts, this.#positionOf(row, this.amounts));
  }

  /** Where the row, or an equal one, is among the rows; at their end when it is new. */
  #positionOf<Row>(row: Row, rows: Row[]): number {
    const key = JSON.stringify(row);
    const position = this.#positions.get(key) ?? rows.length;
    if (position === rows.length) rows.push(row);
    this.#positions.set(key, position);
    return position;
  }
}

function positionIn<Key>(positions: ReadonlyMap<Key, number>, key: Key): number {
  const position = positions.get(key);
  assert(position !== undefined, "a shared value is not among those collected");
  return position;
}
