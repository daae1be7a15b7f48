import {
  formatCpuMillis,
  formatMemoryMiB,
  formatNetworkMbps,
  type HeadroomDimension,
  type ResourceRequest,
  WHOLE_GPU_MILLIS,
} from "@berth/protocol";
import { counted } from "./format-values.ts";

/** What one instance asks for, biggest worry first: `2 GPUs (h100), 4 cpu, 16GiB memory`. */
export function resourceTexts(resources: ResourceRequest): string[] {
  const { gpu, cpuMillis, memoryMiB, diskMiB, diskClass, networkMbps, devices = {} } = resources;
  return [
    gpu ? gpuText(gpu) : null,
    `${formatCpuMillis(cpuMillis)} ${resources.exclusiveCores ? "cores of its own" : "cpu"}`,
    `${formatMemoryMiB(memoryMiB)} memory`,
    diskMiB > 0 ? `${formatMemoryMiB(diskMiB)} ${diskClass ? `${diskClass} ` : ""}disk` : null,
    networkMbps > 0 ? `${formatNetworkMbps(networkMbps)} network` : null,
    ...Object.entries(devices).map(([name, count]) => `${count} ${name}`),
    resources.numa === "require" ? "all in one NUMA zone" : null,
  ].filter((part) => part !== null);
}

function gpuText({
  count,
  models,
  memoryMiB,
  shareMillis = WHOLE_GPU_MILLIS,
  slice,
}: NonNullable<ResourceRequest["gpu"]>): string {
  const kind = slice === undefined ? "GPU" : `GPU slice ${slice}`;
  const amount =
    shareMillis < WHOLE_GPU_MILLIS ? `${shareMillis / WHOLE_GPU_MILLIS} GPU` : counted(count, kind);
  const conditions = [
    ...(models.length > 0 ? [models.join(" or ")] : []),
    ...(memoryMiB > 0 ? [formatMemoryMiB(memoryMiB)] : []),
  ];
  return conditions.length > 0 ? `${amount} (${conditions.join(", ")})` : amount;
}

export const dimensionNames: Readonly<Record<HeadroomDimension, string>> = {
  gpuMillis: "gpus",
  cpuMillis: "cpu",
  memoryMiB: "memory",
  diskMiB: "disk",
  networkMbps: "network",
};

/** Cores from which on thousandths are of no interest. */
const MANY_CORES_MILLIS = 10_000;

/** An amount of a whole cluster: rounded where that says enough. */
export function roomText(dimension: HeadroomDimension, amount: number): string {
  switch (dimension) {
    case "gpuMillis":
      return String(Math.round(amount / 10) / 100);
    case "cpuMillis":
      return Math.abs(amount) < MANY_CORES_MILLIS
        ? formatCpuMillis(amount)
        : String(Math.round(amount / 1_000));
    case "memoryMiB":
    case "diskMiB":
      return signed(amount, formatMemoryMiB);
    case "networkMbps":
      return signed(amount, formatNetworkMbps);
  }
}

function signed(amount: number, format: (amount: number) => string): string {
  return amount < 0 ? `-${format(-amount)}` : format(amount);
}
