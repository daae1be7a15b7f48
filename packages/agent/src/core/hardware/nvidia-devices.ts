import type { DeviceHealth, Gpu } from "@berth/protocol";
import type { DriverFile } from "./nvidia-driver-file.ts";
import type { NvidiaRow } from "./nvidia-query.ts";
import type { NvidiaTopology } from "./nvidia-topology.ts";
import { kernelPciAddress } from "./pci-address.ts";
import { describeXid, type Xid } from "./xid.ts";

/** Everything there is to know about a server's NVIDIA devices at one moment. */
export interface NvidiaSight {
  /** Each device that ever answered since the agent started, as it was described then. */
  readonly known: readonly KnownDevice[];
  /** Those that answer now. */
  readonly rows: readonly NvidiaRow[];
  /** What the driver has files of, by PCI address as the kernel writes it. */
  readonly files: ReadonlyMap<string, DriverFile>;
  /** The newest hardware error of each device since the driver was loaded. */
  readonly errors: readonly Xid[];
}

export interface KnownDevice {
  readonly gpu: Gpu;
  /** How it is connected to others, by uuid. */
  readonly links: ReadonlyMap<string, string>;
}

/**
 * The devices with their health. One that no longer answers, and one that the driver has and that never
 * answered, stay in the list as unhealthy: a server that silently has a GPU less is a puzzle.
 */
export function nvidiaDevices({ known, rows, files, errors }: NvidiaSight): Gpu[] {
  const answering = new Map(rows.map(({ gpu }) => [gpu.uuid, gpu]));
  const devices = new Map<string, Gpu>();
  for (const { gpu } of known) {
    const now = answering.get(gpu.uuid);
    const health = errorOf(gpu, errors) ?? now?.health ?? silenceOf(gpu, files);
    devices.set(gpu.uuid, { ...gpu, health });
  }
  const addresses = new Set([...devices.values()].map(addressOf));
  for (const [address, file] of files) {
    const uuid = file.uuid ?? `PCI-${address}`;
    if (addresses.has(address) || devices.has(uuid)) continue;
    devices.set(uuid, unknownDevice(uuid, address, file, errors));
  }
  const sorted = [...devices.values()].sort((a, b) => (a.uuid < b.uuid ? -1 : 1));
  return withLinks(sorted, new Map(known.map(({ gpu, links }) => [gpu.uuid, links])));
}

function withLinks(
  gpus: readonly Gpu[],
  links: ReadonlyMap<string, ReadonlyMap<string, string>>,
): Gpu[] {
  if ([...links.values()].every(({ size }) => size === 0)) return [...gpus];
  return gpus.map((gpu) => ({
    ...gpu,
    links: gpus.map((other) => links.get(gpu.uuid)?.get(other.uuid) ?? null),
  }));
}

function unknownDevice(
  uuid: string,
  pciAddress: string,
  { model }: DriverFile,
  errors: readonly Xid[],
): Gpu {
  const gpu: Gpu = {
    uuid,
    vendor: "nvidia",
    model: model ?? "unknown",
    memoryMiB: null,
    driverVersion: null,
    pciAddress,
  };
  return { ...gpu, health: errorOf(gpu, errors) ?? NO_ANSWER };
}

const NO_ANSWER: DeviceHealth = { state: "unhealthy", reason: "nvidia-smi gets no answer from it" };
const GONE: DeviceHealth = { state: "unhealthy", reason: "it is gone from the bus" };

function errorOf(gpu: Gpu, errors: readonly Xid[]): DeviceHealth | null {
  const address = addressOf(gpu);
  const error = errors.findLast(({ pciAddress }) => pciAddress === address);
  return error ? { state: "unhealthy", reason: describeXid(error) } : null;
}

/** Where the driver shows no files at all (a container) a missing one says nothing. */
function silenceOf(gpu: Gpu, files: NvidiaSight["files"]): DeviceHealth {
  const address = addressOf(gpu);
  return files.size > 0 && address !== null && !files.has(address) ? GONE : NO_ANSWER;
}

function addressOf({ pciAddress }: Gpu): string | null {
  return pciAddress === null ? null : kernelPciAddress(pciAddress);
}

/** The devices of a listing with how they are connected to each other and to adapters. */
export function connected(
  rows: readonly NvidiaRow[],
  gpus: readonly Gpu[],
  { links, nearRdma }: NvidiaTopology,
): KnownDevice[] {
  const numbers = new Map(rows.map(({ gpu, index }) => [gpu.uuid, index]));
  const uuids = new Map(rows.map(({ gpu, index }) => [index, gpu.uuid]));
  return gpus.map((gpu) => {
    const number = numbers.get(gpu.uuid) ?? -1;
    const near = nearRdma.get(number) ?? [];
    const named = [...(links.get(number) ?? [])].flatMap(([other, how]) => {
      const uuid = uuids.get(other);
      return uuid === undefined ? [] : [[uuid, how] as const];
    });
    return {
      gpu: near.length === 0 ? gpu : { ...gpu, nearRdma: [...near] },
      links: new Map(named),
    };
  });
}
