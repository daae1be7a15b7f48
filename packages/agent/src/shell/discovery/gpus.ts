import type { Gpu } from "@berth/protocol";
import type { Clock, Logger } from "@berth/runtime";
import { allGpus } from "../../core/hardware/gpu-links.ts";
import type { GpuUse } from "../../core/hardware/nvidia-query.ts";
import { askAmdSmi } from "./amd-gpus.ts";
import { AskedGpus } from "./asked-gpus.ts";
import type { GpuSource } from "./gpu-source.ts";
import { askXpuSmi } from "./intel-gpus.ts";
import { NvidiaGpus } from "./nvidia-gpus.ts";
import { listSys } from "./sys-files.ts";

/** The GPUs of the server, whoever made them. */
export class Gpus implements GpuSource {
  readonly #sources: readonly GpuSource[];

  constructor(clock: Clock, logger: Logger) {
    this.#sources = [
      new NvidiaGpus({ clock, logger }),
      new AskedGpus({
        tool: "amd-smi",
        clock,
        ask: () => askAmdSmi(),
        presence: () => driven(["amdgpu"]),
      }),
      new AskedGpus({
        tool: "xpu-smi",
        clock,
        ask: () => askXpuSmi(),
        presence: () => driven(["i915", "xe"]),
      }),
    ];
  }

  get use(): ReadonlyMap<string, GpuUse> {
    return new Map(this.#sources.flatMap(({ use }) => [...use]));
  }

  async look(): Promise<Gpu[]> {
    return allGpus(await Promise.all(this.#sources.map((source) => source.look())));
  }

  onChange(listen: () => void): void {
    for (const source of this.#sources) source.onChange(listen);
  }

  stop(): void {
    for (const source of this.#sources) source.stop();
  }
}

/** The PCI devices that kernel drivers have. */
function driven(drivers: readonly string[]): string {
  return drivers
    .flatMap((driver) => listSys(`/sys/bus/pci/drivers/${driver}`))
    .filter((name) => name.includes(":"))
    .join("\n");
}
