import type { Gpu, GpuSlice } from "@berth/protocol";

const GPU_LINE = /^GPU \d+: .*\(UUID: (GPU-[0-9A-Za-z-]+)\)/;
/** Older drivers name a slice after its device and instances: `MIG-GPU-…/1/0`. */
const SLICE_LINE = /^\s+MIG (\S+)\s+Device\s+(\d+): \(UUID: (MIG-[0-9A-Za-z/-]+)\)/;

/** A slice with its number on its device. */
export interface NumberedSlice {
  readonly index: number;
  readonly slice: GpuSlice;
}

/**
 * What `nvidia-smi -L` says that devices are partitioned into, by the device's uuid. A profile's
 * name only comes near its memory (`1g.5gb` has 4,864 MiB), so how much it has is unknown here.
 */
export function parseSliceListing(text: string): ReadonlyMap<string, readonly NumberedSlice[]> {
  const slices = new Map<string, NumberedSlice[]>();
  let current: NumberedSlice[] | null = null;
  for (const line of text.split("\n")) {
    const gpu = GPU_LINE.exec(line)?.[1];
    const [, profile, index, uuid] = SLICE_LINE.exec(line) ?? [];
    if (gpu !== undefined) {
      current = [];
      slices.set(gpu, current);
    } else if (profile !== undefined && uuid !== undefined) {
      current?.push({ index: Number(index), slice: { uuid, profile, memoryMiB: null } });
    }
  }
  return slices;
}

/**
 * The memory of slices in what `nvidia-smi -q` tells of everything: by the PCI address of the device as
 * written there, then by the slice's number on it.
 */
export function parseSliceMemory(text: string): ReadonlyMap<string, ReadonlyMap<number, number>> {
  const memory = new Map<string, Map<number, number>>();
  let device: Map<number, number> | null = null;
  let index: number | null = null;
  let isOfFrameBuffer = false;
  for (const line of text.split("\n")) {
    const [, indent = "", name = "", value = ""] = /^(\s*)(.*?)(?:\s+: (.*))?$/.exec(line) ?? [];
    const address = /^GPU ([0-9A-Fa-f:.]+)$/.exec(line.trimEnd())?.[1];
    if (address !== undefined) {
      device = new Map();
      memory.set(address, device);
      index = null;
    } else if (name === "MIG Device") {
      index = null;
    } else if (name === "Index") {
      index = Number(value);
    } else if (/^(Shared )?FB Memory Usage$/.test(name)) {
      // That of a slice stands deeper than that of its device.
      isOfFrameBuffer = indent.length > DEVICE_INDENT;
    } else if (name === "Total" && isOfFrameBuffer) {
      const mib = /^(\d+) MiB$/.exec(value)?.[1];
      if (mib !== undefined && index !== null) device?.set(index, Number(mib));
      isOfFrameBuffer = false;
    }
  }
  return memory;
}

const DEVICE_INDENT = 4;

/** The device with what it is partitioned into. */
export function withSlices(
  gpu: Gpu,
  slices: ReadonlyMap<string, readonly NumberedSlice[]>,
  memory: ReadonlyMap<string, ReadonlyMap<number, number>>,
): Gpu {
  const own = slices.get(gpu.uuid) ?? [];
  if (own.length === 0) return gpu;
  const sizes = gpu.pciAddress === null ? undefined : memory.get(gpu.pciAddress);
  return {
    ...gpu,
    slices: own.map(({ index, slice }) => ({ ...slice, memoryMiB: sizes?.get(index) ?? null })),
  };
}
