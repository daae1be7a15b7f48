/** What the NVIDIA driver's own file says of a device, also of one that no longer answers. */
export interface DriverFile {
  readonly uuid: string | null;
  readonly model: string | null;
}

/** `/proc/driver/nvidia/gpus/<address>/information`; a device it cannot read has `?` in its uuid. */
export function parseDriverFile(text: string): DriverFile {
  const field = (name: string) =>
    new RegExp(`^${name}:\\s*(.*?)\\s*$`, "m").exec(text)?.[1] ?? null;
  const uuid = field("GPU UUID");
  const model = field("Model");
  return {
    uuid: uuid !== null && /^GPU-[0-9A-Za-z-]+$/.test(uuid) ? uuid : null,
    model: model === null || model === "" || model === "Unknown" ? null : model,
  };
}
