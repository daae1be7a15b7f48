import {
  type AllocationStatus,
  type Exit,
  type Grant,
  Health,
  Outcome,
  type ResourceAmounts,
  StopReason,
} from "@berth/protocol";
import type { Place, Revision } from "./allocation-table.ts";
import { NullableColumn, NumberColumn, RareColumn, ValueColumn, WordColumn } from "./columns.ts";
import { NO_GPUS, NOTHING_SPECIAL, type SpecialGrant } from "./special-grant.ts";

export const allocationStatuses: readonly AllocationStatus[] = [
  "placed",
  "running",
  "stopping",
  ...Outcome.options,
];

/** One array for each field. A row that was deleted is used again. */
export interface AllocationColumns {
  /** 0 where no allocation is. */
  readonly number: NumberColumn;
  readonly revision: ValueColumn<Revision>;
  readonly index: NumberColumn;
  readonly attempt: NumberColumn;
  readonly place: ValueColumn<Place>;
  readonly amounts: ValueColumn<ResourceAmounts>;
  readonly ports: ValueColumn<Grant["ports"]>;
  readonly gpuUuids: RareColumn<Grant["gpuUuids"]>;
  readonly special: RareColumn<SpecialGrant>;
  readonly placedAtUnixMs: NumberColumn;
  readonly status: WordColumn<AllocationStatus>;
  readonly health: WordColumn<Health>;
  readonly stopReason: WordColumn<StopReason | null>;
  readonly pid: NullableColumn;
  readonly startedAtUnixMs: NullableColumn;
  readonly message: RareColumn<string | null>;
  readonly exit: RareColumn<Exit | null>;
  readonly finishedAtUnixMs: NullableColumn;
}

export function emptyColumns(): AllocationColumns {
  return {
    number: new NumberColumn(new Float64Array()),
    revision: new ValueColumn(),
    index: new NumberColumn(new Uint32Array()),
    attempt: new NumberColumn(new Uint32Array()),
    place: new ValueColumn(),
    amounts: new ValueColumn(),
    ports: new ValueColumn(),
    gpuUuids: new RareColumn(NO_GPUS),
    special: new RareColumn(NOTHING_SPECIAL),
    placedAtUnixMs: new NumberColumn(new Float64Array()),
    status: new WordColumn(allocationStatuses),
    health: new WordColumn<Health>(Health.options),
    stopReason: new WordColumn<StopReason | null>([null, ...StopReason.options]),
    pid: new NullableColumn(),
    startedAtUnixMs: new NullableColumn(),
    message: new RareColumn<string | null>(null),
    exit: new RareColumn<Exit | null>(null),
    finishedAtUnixMs: new NullableColumn(),
  };
}

/** Columns that change by themselves; the values in them are shared. */
export function copyColumns(columns: AllocationColumns): AllocationColumns {
  return {
    number: columns.number.copy(),
    revision: columns.revision.copy(),
    index: columns.index.copy(),
    attempt: columns.attempt.copy(),
    place: columns.place.copy(),
    amounts: columns.amounts.copy(),
    ports: columns.ports.copy(),
    gpuUuids: columns.gpuUuids.copy(),
    special: columns.special.copy(),
    placedAtUnixMs: columns.placedAtUnixMs.copy(),
    status: columns.status.copy(),
    health: columns.health.copy(),
    stopReason: columns.stopReason.copy(),
    pid: columns.pid.copy(),
    startedAtUnixMs: columns.startedAtUnixMs.copy(),
    message: columns.message.copy(),
    exit: columns.exit.copy(),
    finishedAtUnixMs: columns.finishedAtUnixMs.copy(),
  };
}
