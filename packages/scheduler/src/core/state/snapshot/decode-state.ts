import {
  allocationId,
  type AllocationStatus,
  type Grant,
  type Health,
  type NodeId,
  type ResourceAmounts,
  type StopReason,
} from "@berth/protocol";
import { assert, unreachable } from "@berth/runtime/assert";
import { rebuildAgenda } from "../agenda.ts";
import { rebuildProjectUse } from "../project-use.ts";
import {
  type AllocationProgress,
  NO_GPUS,
  NO_PORTS,
  type Place,
  type Placement,
  type Revision,
} from "../allocation-table.ts";
import { followPool, newNode } from "../apply-node-event.ts";
import { newWorkload } from "../apply-workload-event.ts";
import {
  type ClusterState,
  createState,
  isFinal,
  type NodeRecord,
  type WorkloadRecord,
} from "../cluster-state.ts";
import { Holdings } from "../grants.ts";
import { newSlot } from "../slot-table.ts";
import { groupOf } from "../pending-groups.ts";
import {
  type AllocationRow,
  type HeaderRow,
  type NodeRow,
  type PendingRow,
  type SectionName,
  type SlotRow,
  STATE_FORMAT,
  StateFormatError,
  type StateSections,
  stateFormatVersions,
  type WorkloadRow,
  words,
} from "./state-format.ts";
import { decodeUtf8 } from "./utf8.ts";

/**
 * The state that `encodeState` wrote: equal to it in its hash and in everything decided on it. Its
 * agenda names every workload, as after a replay. Throws a `StateFormatError`: `unknown_version` for
 * what another version wrote, `malformed` for chunks that are damaged, missing or out of order.
 * Fields are not validated one by one: compare the hash of the state with the one on record.
 */
export function decodeState(chunks: Iterable<Uint8Array>): ClusterState {
  const decoder = new StateDecoder();
  for (const chunk of chunks) decoder.add(chunk);
  return decoder.finish();
}

/** `decodeState` for chunks that arrive over time; throws what that throws, as soon as it is known. */
export class StateDecoder {
  readonly #reader = new StateReader();

  add(chunk: Uint8Array): void {
    try {
      this.#reader.read(parseChunk(chunk));
    } catch (cause) {
      if (cause instanceof StateFormatError) throw cause;
      throw malformed("a chunk is damaged", cause);
    }
  }

  /** After the last chunk. */
  finish(): ClusterState {
    return this.#reader.finish();
  }
}

type Chunk = { [Name in SectionName]: { section: Name; rows: StateSections[Name][] } }[SectionName];

function parseChunk(bytes: Uint8Array): Chunk {
  const chunk: unknown = JSON.parse(decodeUtf8(bytes));
  const isChunk = typeof chunk === "object" && chunk !== null && "section" in chunk;
  if (!isChunk || !("rows" in chunk) || !Array.isArray(chunk.rows)) {
    throw malformed("a chunk is not one of a state");
  }
  return chunk as Chunk;
}

function malformed(what: string, cause?: unknown): StateFormatError {
  return new StateFormatError("malformed", `the written state cannot be used: ${what}`, { cause });
}

/** What the numbers in rows stand for, by position. */
interface Words {
  readonly status: readonly AllocationStatus[];
  readonly health: readonly Health[];
  readonly stopReason: readonly StopReason[];
}

/** A place with the node that is there, if it still is, and what that holds. */
interface KnownPlace {
  readonly place: Place;
  readonly node: NodeRecord | undefined;
  readonly holdings: Holdings | undefined;
}

/** Builds the state section by section. */
class StateReader {
  readonly #state = createState();
  readonly #workloads: WorkloadRecord[] = [];
  readonly #revisions: Revision[] = [];
  readonly #places: KnownPlace[] = [];
  readonly #holdings = new Map<NodeId, Holdings>();
  readonly #amounts: ResourceAmounts[] = [];
  readonly #ports = new SharedPorts();
  #words: Words | null = null;
  #rows = 0;
  #slotRows = 0;
  #isComplete = false;

  read(chunk: Chunk): void {
    if (this.#isComplete) throw malformed("chunks follow the last one");
    if (chunk.section === "header") return this.#readHeader(chunk.rows);
    if (this.#words === null) throw malformed("it does not begin with a header");
    if (chunk.section === "end") return this.#readEnd(chunk.rows);
    this.#rows += chunk.rows.length;
    this.#readSection(chunk);
  }

  finish(): ClusterState {
    if (!this.#isComplete) throw malformed("its end is missing");
    for (const holdings of this.#holdings.values()) holdings.hold();
    for (const node of this.#state.nodes.values()) followPool(this.#state, node);
    rebuildAgenda(this.#state);
    rebuildProjectUse(this.#state);
    return this.#state;
  }

  #readHeader([header, ...others]: readonly HeaderRow[]): void {
    if (this.#words !== null || header?.format !== STATE_FORMAT || others.length > 0) {
      throw malformed("it does not have one header");
    }
    const { v } = header;
    if (!stateFormatVersions.includes(v)) {
      const message = `the written state has version ${v}; this scheduler reads versions ${stateFormatVersions.join(" and ")}`;
      throw new StateFormatError("unknown_version", message, { version: v });
    }
    const { format: _format, v: _v, words: written, droppedThroughSeq, ...scalars } = header;
    Object.assign(this.#state, scalars);
    this.#state.events.droppedThroughSeq = droppedThroughSeq;
    this.#words = {
      status: knownWords(written.status, words.status),
      health: knownWords(written.health, words.health),
      stopReason: knownWords(written.stopReason, words.stopReason),
    };
    this.#rows += 1;
  }

  #readEnd([end]: readonly StateSections["end"][]): void {
    if (end?.rows !== this.#rows) {
      throw malformed(`it has ${this.#rows} rows, and ${end?.rows} were written`);
    }
    this.#isComplete = true;
  }

  #readSection(chunk: Exclude<Chunk, { section: "header" | "end" }>): void {
    const { answers, events, explanations } = this.#state;
    switch (chunk.section) {
      case "nodes":
        for (const row of chunk.rows) this.#addNode(row);
        return;
      case "revisions":
        this.#revisions.push(...chunk.rows);
        return;
      case "workloads":
        for (const row of chunk.rows) this.#addWorkload(row);
        return;
      case "pending":
        for (const row of chunk.rows) this.#addPending(row);
        return;
      case "slots":
        for (const row of chunk.rows) this.#addSlot(row);
        this.#slotRows += chunk.rows.length;
        return;
      case "places":
        for (const [nodeId, nodeName] of chunk.rows) this.#addPlace({ nodeId, nodeName });
        return;
      case "amounts":
        this.#amounts.push(...chunk.rows.map(amountsOf));
        return;
      case "allocations":
        // Nearly every index has one: enough to begin with.
        this.#state.allocations.reserve(this.#slotRows);
        for (const row of chunk.rows) this.#addAllocation(row);
        return;
      case "projects":
        for (const row of chunk.rows) this.#state.projects.set(row.name, row);
        return;
      case "pools":
        for (const row of chunk.rows) this.#state.pools.set(row.name, row);
        return;
      case "reservations":
        for (const row of chunk.rows) this.#state.reservations.set(row.id, row);
        return;
      case "yielding":
        for (const [id, workload] of chunk.rows) this.#state.yielding.set(id, workload);
        return;
      case "moves":
        for (const [id, node] of chunk.rows) this.#state.moves.set(id, node);
        return;
      case "explanations":
        for (const [id, why] of chunk.rows) explanations.add(id, why);
        return;
      case "answers":
        for (const [id, method, reply, seq] of chunk.rows) answers.add(id, { method, reply, seq });
        return;
      case "events":
        events.views.push(...chunk.rows);
        return;
      default:
        return unreachable(chunk);
    }
  }

  #addNode(row: NodeRow): void {
    const { description, number, ...standing } = row;
    const node = newNode(number, description, row.statusSinceUnixMs);
    this.#state.nodes.set(node.id, Object.assign(node, standing));
  }

  #addWorkload({ number, revision, counts, ...standing }: WorkloadRow): void {
    const revised = rowAt(this.#revisions, revision);
    const workload = newWorkload(number, revised, standing.submittedAtUnixMs);
    Object.assign(workload, standing, { version: revised.version, revision: revised });
    Object.assign(workload.counts, counts);
    this.#state.workloads.set(workload.id, workload);
    this.#workloads.push(workload);
  }

  #addPending([position, ranges, explanation]: PendingRow): void {
    const workload = rowAt(this.#workloads, position);
    const last = workload.pending.at(-1);
    if (explanation !== null) {
      workload.pending = [...workload.pending, groupOf(ranges, explanation)];
    } else {
      assert(last, "ranges that continue no group");
      const whole = groupOf([...last.indexes, ...ranges], last.explanation);
      workload.pending = [...workload.pending.slice(0, -1), whole];
    }
  }

  #addPlace(place: Place): void {
    const { nodeId } = place;
    const node = this.#state.nodes.get(nodeId);
    if (node && !this.#holdings.has(nodeId)) this.#holdings.set(nodeId, new Holdings(node));
    this.#places.push({ place, node, holdings: this.#holdings.get(nodeId) });
  }

  // Rows are taken apart by position, because array patterns iterate, and there are millions.

  #addSlot(row: SlotRow): void {
    const { 0: position, 1: index, 2: number, 3: attempt } = row;
    const { slots } = rowAt(this.#workloads, position);
    if (number !== null && attempt === undefined) return slots.setFirstPlaced(index, number);
    const live = number === null ? null : allocationId(number);
    const { 4: failuresAtUnixMs = [], 5: retryAtUnixMs = null } = row;
    const { 6: lastFailure = null, 7: done = null } = row;
    const told = { failuresAtUnixMs, retryAtUnixMs, lastFailure, done };
    slots.set({ ...newSlot(index), live, attempt: attempt ?? 0, ...told });
  }

  #addAllocation(row: AllocationRow): void {
    const { 0: number, 1: revision, 2: index, 3: attempt, 4: place, 5: amounts } = row;
    const { 6: placedAtUnixMs, 7: status, 8: health, 9: pid = null } = row;
    const { 10: startedAtUnixMs = null, 11: ports, 12: gpuUuids, 13: message = null } = row;
    const { 14: stopReason = null, 15: exit = null, 16: finishedAtUnixMs = null } = row;
    const { 17: special } = row;
    const word = this.#words;
    assert(word, "the header comes first");
    const known = rowAt(this.#places, place);
    const { cpuMillis, memoryMiB, diskMiB, networkMbps } = rowAt(this.#amounts, amounts);
    const placement: Placement = {
      number,
      revision: rowAt(this.#revisions, revision),
      index,
      attempt,
      place: known.place,
      granted: {
        cpuMillis,
        memoryMiB,
        diskMiB,
        networkMbps,
        gpuUuids: gpuUuids ?? NO_GPUS,
        ports: ports ? this.#ports.shared(ports) : NO_PORTS,
        ...special,
      },
      placedAtUnixMs,
    };
    const progress: AllocationProgress = {
      status: rowAt(word.status, status),
      health: rowAt(word.health, health),
      stopReason: stopReason === null ? null : rowAt(word.stopReason, stopReason),
      pid,
      startedAtUnixMs,
      message,
      exit,
      finishedAtUnixMs,
    };
    this.#state.allocations.add(placement, progress);
    this.#link(placement, known, progress.status);
  }

  /** What follows from an allocation: what its index remembers, and what its node holds. */
  #link(placement: Placement, { node, holdings }: KnownPlace, status: AllocationStatus): void {
    const { number, revision, index, granted } = placement;
    const slots = this.#state.workloads.get(revision.workloadId)?.slots;
    assert(slots, "an allocation is of an unknown workload");
    if (isFinal(status)) {
      const slot = slots.get(index);
      assert(slot, "an allocation is of an unknown index");
      return slots.set({ ...slot, history: [...slot.history, allocationId(number)] });
    }
    const isLive = slots.liveNumber(index) === number;
    assert(isLive && node && holdings, "an allocation lives where it cannot");
    holdings.add(number, granted);
    if (status === "stopping") node.stopping.add(allocationId(number));
  }
}

/**
 * One value for all allocations that have the same single port under the same name: nodes give their
 * ports in the same order, so of a million such values a few hundred are left.
 */
class SharedPorts {
  readonly #byName = new Map<string, Map<number, Grant["ports"]>>();

  shared(ports: Grant["ports"]): Grant["ports"] {
    const [name, ...others] = Object.keys(ports);
    const port = name === undefined ? undefined : ports[name];
    if (name === undefined || port === undefined || others.length > 0) return ports;
    const sharedByPort = this.#byName.get(name) ?? new Map<number, Grant["ports"]>();
    const shared = sharedByPort.get(port) ?? ports;
    if (sharedByPort.size === 0) this.#byName.set(name, sharedByPort);
    if (shared === ports) sharedByPort.set(port, ports);
    return shared;
  }
}

function amountsOf(row: readonly number[]): ResourceAmounts {
  const [cpuMillis = 0, memoryMiB = 0, diskMiB = 0, networkMbps = 0] = row;
  return { cpuMillis, memoryMiB, diskMiB, networkMbps };
}

function rowAt<Row>(rows: readonly Row[], position: number): Row {
  const row = rows[position];
  assert(row !== undefined, "no such row to refer to");
  return row;
}

/** Words as they were written, each of which this version must know. */
function knownWords<Word extends string>(
  written: readonly string[],
  known: readonly Word[],
): Word[] {
  return written.map((word) => {
    const same = known.find((one) => one === word);
    assert(same !== undefined, `an unknown word: ${word}`);
    return same;
  });
}
