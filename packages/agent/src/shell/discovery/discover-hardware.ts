import { hostname, release } from "node:os";
import type { Hardware } from "@berth/protocol";
import type { Clock, Logger } from "@berth/runtime";
import { discoverCpu } from "./cpu.ts";
import { discoverDisks } from "./disks.ts";
import { discoverFileSystems } from "./file-systems.ts";
import { discoverGpus, gpuPresence } from "./gpus.ts";
import { readMemory } from "./memory.ts";
import { discoverNetworkInterfaces } from "./network-interfaces.ts";
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
  #gpus: Hardware["gpus"];
  #gpuPresence: string;

  private constructor(broad: BroadFacts, gpus: Hardware["gpus"]) {
    this.#broad = broad;
    this.#gpus = gpus;
    this.#gpuPresence = gpuPresence();
  }

  static async start(clock: Clock, logger: Logger): Promise<HardwareDiscovery> {
    const broad = askSystemInformation(clock).catch((cause: unknown) => {
      logger.warn("systeminformation cannot be used", { cause });
      return NOTHING;
    });
    const gpus = discoverGpus();
    return new HardwareDiscovery(await broad, await gpus);
  }

  async look(): Promise<Hardware> {
    const presence = gpuPresence();
    if (presence !== this.#gpuPresence) {
      this.#gpuPresence = presence;
      this.#gpus = await discoverGpus();
    }
    const broad = this.#broad;
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
      disks: discoverDisks().map((disk) => ({
        ...disk,
        model: disk.model ?? broad.diskModels.get(disk.device) ?? null,
      })),
      fileSystems: await discoverFileSystems(),
      networkInterfaces: discoverNetworkInterfaces(),
      gpus: this.#gpus,
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
