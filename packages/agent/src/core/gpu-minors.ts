/** Which device file a GPU is: `/dev/nvidia<minor>`. */
export interface GpuMinor {
  readonly uuid: string;
  readonly minor: number;
}

const NVIDIA_MAJOR = 195;

/** Parses `/proc/driver/nvidia/gpus/<address>/information`; null where it does not say. */
export function parseGpuInformation(text: string): GpuMinor | null {
  const uuid = /^GPU UUID:\s+(GPU-[0-9a-f-]+)$/m.exec(text)?.[1];
  const minor = /^Device Minor:\s+(\d+)$/m.exec(text)?.[1];
  return uuid === undefined || minor === undefined ? null : { uuid, minor: Number(minor) };
}

/**
 * The device files of GPUs that were not granted, as `c MAJOR:MINOR`. None when it was granted
 * something that is not among them: a slice does not tell here which device it is of.
 */
export function deniedGpus(gpus: readonly GpuMinor[], granted: readonly string[]): string[] {
  const isKnown = granted.every((uuid) => gpus.some((gpu) => gpu.uuid === uuid));
  if (!isKnown) return [];
  return gpus
    .filter(({ uuid }) => !granted.includes(uuid))
    .map(({ minor }) => `c ${NVIDIA_MAJOR}:${minor}`);
}
