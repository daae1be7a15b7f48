import {
  type AllocationStatus,
  type Health,
  type ResourceAmounts,
  type StopReason,
} from "@berth/protocol";
import { assert, unreachable } from "@berth/runtime/assert";
import { rebuildAgenda } from "../agenda.ts";
import type { AllocationRecord, Place, Revision } from "../allocation-table.ts";
import { newNode } from "../apply-node-event.ts";
import { newWorkload } from "../apply-workload-event.ts";
import { type ClusterState, createState, isFinal, type WorkloadRecord } from "../cluster-state.ts";
import { holdGrant } from "../grants.ts";
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
  STATE_FORMAT_VERSION,
  StateFormatError,
  type StateSections,
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

/** Builds the state section by section. */
class StateReader {
  readonly #state = createState();
  readonly #workloads: WorkloadRecord[] = [];
  readonly #revisions: Revision[] = [];
  readonly #places: Place[] = [];
  readonly #amounts: ResourceAmounts[] = [];
  #words: Words | null = null;
  #rows = 0;
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
    rebuildAgenda(this.#state);
    return this.#state;
  }

  #readHeader([header, ...others]: readonly HeaderRow[]): void {
    if (this.#words !== null || header?.format !== STATE_FORMAT || others.length > 0) {
      throw malformed("it does not have one header");
    }
    const { v } = header;
    if (v !== STATE_FORMAT_VERSION) {
      const message = `the written state has version ${v}; this scheduler reads version ${STATE_FORMAT_VERSION}`;
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
        return;
      case "places":
        for (const [nodeId, nodeName] of chunk.rows) this.#places.push({ nodeId, nodeName });
        return;
      case "amounts":
        this.#amounts.push(...chunk.rows.map(amountsOf));
        return;
      case "allocations":
        for (const row of chunk.rows) this.#addAllocation(row);
        return;
      case "explanations":
        for (const [id, why] of chunk.rows) explanations.set(id, why);
        return;
      case "answers":
        for (const [id, method, reply, seq] of chunk.rows) answers.set(id, { method, reply, seq });
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

  #addSlot([
    position,
    index,
    attempt,
    failuresAtUnixMs = [],
    retryAtUnixMs = null,
    lastFailure = null,
    done = null,
  ]: SlotRow): void {
    rowAt(this.#workloads, position).slots.set({
      ...newSlot(index),
      attempt,
      failuresAtUnixMs,
      retryAtUnixMs,
      lastFailure,
      done,
    });
  }

  #addAllocation(row: AllocationRow): void {
    const [
      number,
      revision,
      index,
      attempt,
      place,
      amounts,
      placedAtUnixMs,
      status,
      health,
      pid = null,
      startedAtUnixMs = null,
      ports = null,
      gpuUuids = null,
      message = null,
      stopReason = null,
      exit = null,
      finishedAtUnixMs = null,
    ] = row;
    const word = this.#words;
    assert(word, "the header comes first");
    const allocation = this.#state.allocations.add(
      {
        number,
        revision: rowAt(this.#revisions, revision),
        index,
        attempt,
        place: rowAt(this.#places, place),
        granted: { ...rowAt(this.#amounts, amounts), gpuUuids: gpuUuids ?? [], ports: ports ?? {} },
        placedAtUnixMs,
      },
      {
        status: rowAt(word.status, status),
        health: rowAt(word.health, health),
        stopReason: stopReason === null ? null : rowAt(word.stopReason, stopReason),
        pid,
        startedAtUnixMs,
        message,
        exit,
        finishedAtUnixMs,
      },
    );
    this.#link(allocation);
  }

  /** What follows from an allocation: what its node holds and what its index has. */
  #link(allocation: AllocationRecord): void {
    const { id, status } = allocation;
    const slots = this.#state.workloads.get(allocation.workloadId)?.slots;
    const slot = slots?.get(allocation.index);
    assert(slots && slot, `${id} is of an unknown index`);
    if (isFinal(status)) return slots.set({ ...slot, history: [...slot.history, id] });
    const node = this.#state.nodes.get(allocation.nodeId);
    assert(node && slot.live === null, `${id} lives where it cannot`);
    slots.set({ ...slot, live: id });
    holdGrant(node, allocation);
    if (status !== "stopping") node.desired.add(id);
  }
}

function amountsOf(row: readonly number[]): ResourceAmounts {
  const [cpuMillis = 0, memoryMiB = 0, diskMiB = 0, networkMbps = 0] = row;
  return { cpuMillis, memoryMiB, diskMiB, networkMbps };
}

function rowAt<Row>(rows: readonly Row[], position: number): Row {
  const row = rows[position];
  assert(row !== undefined, `no row ${position} to refer to`);
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
