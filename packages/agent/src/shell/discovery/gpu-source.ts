import type { Gpu } from "@berth/protocol";
import type { GpuUse } from "../../core/hardware/nvidia-query.ts";

/** Where GPUs of one vendor are known from. */
export interface GpuSource {
  /** The devices as they are now, in a fixed order; none where there are none. */
  look(): Promise<readonly Gpu[]>;
  /** The newest use of each device, by uuid; empty where the vendor's tool is not followed. */
  readonly use: ReadonlyMap<string, GpuUse>;
  /** Called when something was noticed that `look` will tell. */
  onChange(listen: () => void): void;
  stop(): void;
}
