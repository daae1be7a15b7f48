/** What headroom is counted in: thousandths of GPUs, of cores; MiB; Mbit/s. */
export const headroomDimensions = [
  "gpuMillis",
  "cpuMillis",
  "memoryMiB",
  "diskMiB",
  "networkMbps",
] as const;
export type HeadroomDimension = (typeof headroomDimensions)[number];
