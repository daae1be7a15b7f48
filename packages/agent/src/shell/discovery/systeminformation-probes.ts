import type { Clock } from "@berth/runtime";
import { agentTimings } from "../../limits.ts";

/** What `systeminformation` adds to what the kernel's files say directly. Null: it cannot tell. */
export interface BroadFacts {
  readonly cpuModel: string | null;
  readonly cpuMaxMHz: number | null;
  readonly sockets: number | null;
  readonly cores: number | null;
  readonly vendor: string | null;
  readonly product: string | null;
  /** Device path → model. */
  readonly diskModels: ReadonlyMap<string, string>;
}

const MHZ_PER_GHZ = 1_000;

/**
 * Asked once, at the start, and loaded only then: its probes start shells. It is not asked for
 * GPUs, interfaces or usage, where it is wrong, blocking or dear (reading the files is hundreds of
 * times cheaper).
 */
export async function askSystemInformation(clock: Clock): Promise<BroadFacts> {
  const { default: si } = await import("systeminformation");
  const ask = <T>(probe: () => Promise<T>) => withinTime(clock, probe);
  const [cpu, system, disks] = await Promise.all([
    ask(() => si.cpu()),
    ask(() => si.system()),
    ask(() => si.diskLayout()),
  ]);
  const isContainer = system?.model === "Docker Container";
  const models = (disks ?? []).flatMap(({ device, name }) =>
    text(name) === null ? [] : [[device, name] as const],
  );
  return {
    cpuModel: text(cpu?.brand),
    cpuMaxMHz: positive((cpu?.speedMax ?? 0) * MHZ_PER_GHZ),
    sockets: positive(cpu?.processors),
    cores: positive(cpu?.physicalCores),
    vendor: isContainer ? null : text(system?.manufacturer),
    product: isContainer ? null : text(system?.model),
    diskModels: new Map(models),
  };
}

/** Null when the probe fails or takes too long. */
async function withinTime<T>(clock: Clock, probe: () => Promise<T>): Promise<T | null> {
  return new Promise((resolve) => {
    const timer = clock.after(agentTimings.probeTimeoutMs, () => resolve(null));
    const settle = (value: T | null) => {
      timer.cancel();
      resolve(value);
    };
    Promise.resolve()
      .then(probe)
      .then(settle, () => settle(null));
  });
}

function text(value: string | undefined): string | null {
  const trimmed = value?.trim() ?? "";
  return trimmed === "" || trimmed === "-" || trimmed.toLowerCase() === "unknown" ? null : trimmed;
}

function positive(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) && value > 0 ? Math.round(value) : null;
}
