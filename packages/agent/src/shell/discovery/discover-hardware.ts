import { hostname, release } from "node:os";
import type { Hardware } from "@berth/protocol";
import type { Clock, Logger } from "@berth/runtime";
import type { GpuUse } from "../../core/hardware/nvidia-query.ts";
import { withCredibleMemory } from "../../core/numa-zones.ts";
import { discoverCpu } from "./cpu.ts";
import { discoverDisks } from "./disks.ts";
import { discoverFileSystems } from "./file-systems.ts";
import { DiskHealth } from "./disk-health.ts";
import { Gpus } from "./gpus.ts";
import { readMemory } from "./memory.ts";
import { discoverNetworkInterfaces } from "./network-interfaces.ts";
import { discoverNumaNodes } from "./numa-nodes.ts";
import { discoverRdmaPorts } from "./rdma-ports.ts";
import { readSys } from "./sys-files.ts";
import { askSystemInformation, type BroadFacts } from "./systeminformation-probes.ts";

const DMI = "/sys/class/dmi/id";
const NOTHING: BroadFacts = {
  cpuModel: null,
  cpuMaxMHz: null,
  sockets: null,
  cores: null,
  vendor: null,
  product: null,
  diskModels: new Map(),
};

/** Finds out what this machine is. The dear questions are asked once, the cheap ones each time. */
export class HardwareDiscovery {
  readonly #broad: BroadFacts;
  readonly #gpus: Gpus;
  readonly #diskHealth: DiskHealth;

  private constructor(broad: BroadFacts, gpus: Gpus, diskHealth: DiskHealth) {
    this.#broad = broad;
    this.#gpus = gpus;
    this.#diskHealth = diskHealth;
  }

  static async start(clock: Clock, logger: Logger): Promise<HardwareDiscovery> {
    const broad = askSystemInformation(clock).catch((cause: unknown) => {
      logger.warn("systeminformation cannot be used", { cause });
      return NOTHING;
    });
    return new HardwareDiscovery(await broad, new Gpus(clock, logger), new DiskHealth(clock));
  }

  /** Called when something was noticed that `look` will tell. */
  onChange(listen: () => void): void {
    this.#gpus.onChange(listen);
    this.#diskHealth.onChange(listen);
  }

  stop(): void {
    this.#gpus.stop();
  }

  /** The newest use of each GPU, by uuid, as far as it is followed. */
  get gpuUse(): ReadonlyMap<string, GpuUse> {
    return this.#gpus.use;
  }

  async look(): Promise<Hardware> {
    const broad = this.#broad;
    const disks = discoverDisks();
    void this.#diskHealth.refresh(disks.map(({ device }) => device));
    const cpu = discoverCpu();
    const memory = readMemory();
    return {
      cpu: {
        ...cpu,
        model: cpu.model ?? broad.cpuModel,
        sockets: cpu.sockets ?? broad.sockets,
        cores: cpu.cores ?? broad.cores,
        maxMHz: cpu.maxMHz ?? broad.cpuMaxMHz,
      },
      memoryMiB: memory.totalMiB ?? 0,
      swapMiB: memory.swapMiB ?? 0,
      disks: disks.map((disk) => ({
        ...disk,
        model: disk.model ?? broad.diskModels.get(disk.device) ?? null,
        health: this.#diskHealth.of(disk.device),
      })),
      fileSystems: await discoverFileSystems(),
      networkInterfaces: discoverNetworkInterfaces(),
      gpus: await this.#gpus.look(),
      numaNodes: withCredibleMemory(discoverNumaNodes(), memory.totalMiB ?? 0),
      rdmaPorts: discoverRdmaPorts(),
      kernel: release(),
      operatingSystem: operatingSystem(),
      hostName: hostname(),
      vendor: readSys(`${DMI}/sys_vendor`) ?? broad.vendor,
      product: readSys(`${DMI}/product_name`) ?? broad.product,
    };
  }
}

function operatingSystem(): string {
  const text = readSys("/etc/os-release") ?? readSys("/usr/lib/os-release") ?? "";
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(text)?.[1] ?? "Linux";
}
