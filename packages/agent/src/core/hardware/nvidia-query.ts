import type { DeviceHealth, Gpu } from "@berth/protocol";

/** Columns of `nvidia-smi --query-gpu` that every driver knows, and without which nothing is known. */
const IDENTITY = ["index", "uuid", "name", "memory.total", "driver_version", "pci.bus_id"] as const;
/** Columns that some drivers do not know: the tool refuses a query that has one of those. */
const MORE = [
  "mig.mode.current",
  "ecc.mode.current",
  "ecc.errors.uncorrected.volatile.total",
  "remapped_rows.pending",
  "remapped_rows.failure",
  "retired_pages.pending",
  "gpu_recovery_action",
  "utilization.gpu",
  "utilization.memory",
  "memory.used",
  "power.draw",
  "temperature.gpu",
] as const;
export type NvidiaColumn = (typeof IDENTITY)[number] | (typeof MORE)[number];

export const NVIDIA_COLUMNS: readonly NvidiaColumn[] = [...IDENTITY, ...MORE];
export const NVIDIA_FORMAT = "--format=csv,noheader,nounits";

export function nvidiaQuery(columns: readonly NvidiaColumn[]): string {
  return `--query-gpu=${columns.join(",")}`;
}

/** The columns without the one that the tool's answer refuses; null when it refuses none of them. */
export function withoutRefused(
  columns: readonly NvidiaColumn[],
  answer: string,
): readonly NvidiaColumn[] | null {
  const refused = /Field "([^"]+)" is not a valid field to query/.exec(answer)?.[1];
  const optional: readonly string[] = MORE;
  if (refused === undefined || !optional.includes(refused)) return null;
  const left = columns.filter((column) => column !== refused);
  return left.length === columns.length ? null : left;
}

/** One device as one line of the listing has it. */
export interface NvidiaRow {
  readonly index: number;
  readonly gpu: Gpu;
  readonly use: GpuUse;
}

/** What changes from moment to moment; null where the device does not say (as one with slices). */
export interface GpuUse {
  readonly utilizationPercent: number | null;
  readonly memoryUtilizationPercent: number | null;
  readonly memoryUsedMiB: number | null;
  readonly powerWatts: number | null;
  readonly temperatureCelsius: number | null;
}

/**
 * A line of the listing; null for one that is not a device (a warning, a device that fell off the
 * bus). A column that the driver cannot tell (`[N/A]`) is null.
 */
export function parseNvidiaRow(line: string, columns: readonly NvidiaColumn[]): NvidiaRow | null {
  const cells = line.split(", ").map((cell) => cell.trim());
  if (cells.length !== columns.length) return null;
  const cell = (column: NvidiaColumn) => known(cells[columns.indexOf(column)]);
  const number = (column: NvidiaColumn) => numberOf(cell(column));
  const uuid = cell("uuid");
  const index = number("index");
  if (uuid === null || index === null || !/^GPU-[0-9A-Za-z-]+$/.test(uuid)) return null;
  return {
    index,
    gpu: {
      uuid,
      vendor: "nvidia",
      model: cell("name") ?? "unknown",
      memoryMiB: number("memory.total"),
      driverVersion: cell("driver_version"),
      pciAddress: cell("pci.bus_id"),
      isPartitioned: isEnabled(cell("mig.mode.current")),
      hasEcc: isEnabled(cell("ecc.mode.current")),
      health: healthOf(cell),
    },
    use: {
      utilizationPercent: number("utilization.gpu"),
      memoryUtilizationPercent: number("utilization.memory"),
      memoryUsedMiB: number("memory.used"),
      powerWatts: number("power.draw"),
      temperatureCelsius: number("temperature.gpu"),
    },
  };
}

/** All devices of one listing, by uuid: the tool's own order changes with the cards. */
export function parseNvidiaRows(text: string, columns: readonly NvidiaColumn[]): NvidiaRow[] {
  return text
    .split("\n")
    .flatMap((line) => parseNvidiaRow(line, columns) ?? [])
    .sort((a, b) => (a.gpu.uuid < b.gpu.uuid ? -1 : 1));
}

/**
 * What the driver says of a device that answers. Texts have no counts in them: those grow, and each
 * growth would be news to the whole cluster.
 */
function healthOf(cell: (column: NvidiaColumn) => string | null): DeviceHealth {
  const action = cell("gpu_recovery_action");
  if (action !== null && action !== "None") {
    return { state: "unhealthy", reason: `the driver asks for: ${action}` };
  }
  if (isYes(cell("remapped_rows.failure"))) {
    return { state: "unhealthy", reason: "broken memory could not be remapped" };
  }
  if (isYes(cell("remapped_rows.pending")) || isYes(cell("retired_pages.pending"))) {
    return { state: "degraded", reason: "broken memory is to be remapped by a reset" };
  }
  if ((numberOf(cell("ecc.errors.uncorrected.volatile.total")) ?? 0) > 0) {
    return { state: "degraded", reason: "memory errors that could not be corrected" };
  }
  return { state: "healthy", reason: null };
}

function known(cell: string | undefined): string | null {
  return cell === undefined || cell === "" || cell.startsWith("[") || cell === "N/A" ? null : cell;
}

function numberOf(cell: string | null): number | null {
  return cell !== null && /^\d+(\.\d+)?$/.test(cell) ? Number(cell) : null;
}

function isEnabled(cell: string | null): boolean | null {
  return cell === null ? null : cell === "Enabled";
}

function isYes(cell: string | null): boolean {
  return cell !== null && /^(yes|[1-9]\d*)$/i.test(cell);
}
