import type { AllocationId, FeedTelemetry, NodeId, NodeTelemetry } from "@berth/protocol";

type AllocationUsage = NodeTelemetry["allocations"][number];
type HostUsage = NonNullable<NodeTelemetry["host"]>;

/** A usage older than this says nothing about now: three reports were missed. */
export const USAGE_CURRENT_MS = 15_500;

/** The newest that each node said of itself, with when it arrived here. */
export interface NodeReading {
  readonly telemetry: NodeTelemetry;
  readonly receivedAtMs: number;
}
export type TelemetryModel = ReadonlyMap<NodeId, NodeReading>;

export function applyTelemetry(
  model: TelemetryModel,
  frame: FeedTelemetry,
  receivedAtMs: number,
): TelemetryModel {
  const after = frame.complete ? new Map<NodeId, NodeReading>() : new Map(model);
  for (const telemetry of frame.nodes) after.set(telemetry.nodeId, { telemetry, receivedAtMs });
  return after;
}

/** Since the node's last beat; null when none was ever heard. */
export function beatAgeMs(reading: NodeReading | undefined, nowMs: number): number | null {
  const ageMs = reading?.telemetry.beatAgeMs ?? null;
  return reading === undefined || ageMs === null ? null : ageMs + nowMs - reading.receivedAtMs;
}

/** What the host uses now; null when unknown, or known too long ago to be true. */
export function hostUsage(reading: NodeReading | undefined, nowMs: number): HostUsage | null {
  return reading !== undefined && isCurrent(reading, nowMs) ? reading.telemetry.host : null;
}

/** What allocations use now, by id. Those of nodes that have gone quiet are not in it. */
export function allocationUsages(
  model: TelemetryModel,
  nowMs: number,
): ReadonlyMap<AllocationId, AllocationUsage> {
  const usages = new Map<AllocationId, AllocationUsage>();
  for (const reading of model.values()) {
    if (!isCurrent(reading, nowMs)) continue;
    for (const usage of reading.telemetry.allocations) usages.set(usage.allocationId, usage);
  }
  return usages;
}

function isCurrent({ telemetry, receivedAtMs }: NodeReading, nowMs: number): boolean {
  const { usageAgeMs } = telemetry;
  return usageAgeMs !== null && usageAgeMs + nowMs - receivedAtMs <= USAGE_CURRENT_MS;
}
