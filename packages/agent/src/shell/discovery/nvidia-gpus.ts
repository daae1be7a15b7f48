import type { Gpu } from "@berth/protocol";
import type { Clock, Logger } from "@berth/runtime";
import { connected, type KnownDevice, nvidiaDevices } from "../../core/hardware/nvidia-devices.ts";
import { type DriverFile, parseDriverFile } from "../../core/hardware/nvidia-driver-file.ts";
import {
  type GpuUse,
  NVIDIA_COLUMNS,
  NVIDIA_FORMAT,
  type NvidiaColumn,
  nvidiaQuery,
  type NvidiaRow,
  parseNvidiaRows,
  withoutRefused,
} from "../../core/hardware/nvidia-query.ts";
import type { NvidiaRound } from "../../core/hardware/nvidia-rounds.ts";
import {
  parseSliceListing,
  parseSliceMemory,
  withSlices,
} from "../../core/hardware/nvidia-slices.ts";
import { parseNvidiaTopology } from "../../core/hardware/nvidia-topology.ts";
import { isDriverStart, isHardwareError, parseXid, type Xid } from "../../core/hardware/xid.ts";
import { agentTimings } from "../../limits.ts";
import type { GpuSource } from "./gpu-source.ts";
import { KernelLog } from "./kernel-log.ts";
import { NvidiaLoop } from "./nvidia-loop.ts";
import { numaNodeOf } from "./numa-node-of.ts";
import { runTool, type ToolAnswer } from "./run-tool.ts";
import { listSys, readSys } from "./sys-files.ts";

export interface NvidiaOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** For tests; else those of the system. */
  readonly program?: string;
  readonly driverFolder?: string;
  readonly sys?: string;
  readonly kernelLog?: string;
  readonly intervalMs?: number;
}

/**
 * NVIDIA devices, followed through one looping `nvidia-smi`, the driver's files and the kernel's log. A
 * device that answered once stays in the list for as long as the agent runs.
 */
export class NvidiaGpus implements GpuSource {
  readonly #options: NvidiaOptions;
  readonly #program: string;
  readonly #driverFolder: string;
  #kernelLog: KernelLog | null = null;
  #columns: readonly NvidiaColumn[] = NVIDIA_COLUMNS;
  #loop: NvidiaLoop | null = null;
  #listen: () => void = () => {};
  #known = new Map<string, KnownDevice>();
  #rows: readonly NvidiaRow[] = [];
  #errors: Xid[] = [];
  #presence: string | null = null;
  #signature = "";

  constructor(options: NvidiaOptions) {
    this.#options = options;
    this.#program = options.program ?? "nvidia-smi";
    this.#driverFolder = options.driverFolder ?? "/proc/driver/nvidia";
  }

  get use(): ReadonlyMap<string, GpuUse> {
    return new Map(this.#rows.map(({ gpu, use }) => [gpu.uuid, use]));
  }

  async look(): Promise<readonly Gpu[]> {
    if (this.#presence !== this.#presenceNow()) await this.#list();
    this.#readErrors();
    return nvidiaDevices({
      known: [...this.#known.values()],
      rows: this.#rows,
      files: this.#driverFiles(),
      errors: this.#errors,
    });
  }

  onChange(listen: () => void): void {
    this.#listen = listen;
  }

  stop(): void {
    this.#loop?.stop();
    this.#kernelLog?.close();
  }

  /** Asks for everything that changes rarely. */
  async #list(): Promise<void> {
    const presence = this.#presenceNow();
    const answer = await this.#query();
    const files = this.#driverFiles();
    const rows = parseNvidiaRows(answer.stdout, this.#columns);
    if (rows.length < files.size) rows.push(...(await this.#askSingly(rows, files)));
    rows.sort((a, b) => (a.gpu.uuid < b.gpu.uuid ? -1 : 1));
    for (const device of await this.#described(rows)) this.#known.set(device.gpu.uuid, device);
    this.#rows = rows;
    this.#presence = presence;
    if (rows.length > 0) this.#follow();
    if (rows.length + files.size > 0) this.#kernelLog ??= new KernelLog(this.#options.kernelLog);
  }

  /** Once for each column that this driver does not know. */
  async #query(): Promise<ToolAnswer> {
    for (;;) {
      const answer = await this.#ask([nvidiaQuery(this.#columns), NVIDIA_FORMAT]);
      const left = withoutRefused(this.#columns, answer.stdout + answer.stderr);
      if (left === null) return answer;
      this.#columns = left;
    }
  }

  /** A device that is lost may keep the tool from listing the others at all. */
  async #askSingly(
    listed: readonly NvidiaRow[],
    files: ReadonlyMap<string, DriverFile>,
  ): Promise<NvidiaRow[]> {
    const known = new Set(listed.map(({ gpu }) => gpu.uuid));
    const missing = [...files].filter(([, { uuid }]) => uuid === null || !known.has(uuid));
    const answers = await Promise.all(
      missing.map(([address]) =>
        this.#ask([`--id=${address}`, nvidiaQuery(this.#columns), NVIDIA_FORMAT]),
      ),
    );
    return answers
      .flatMap(({ stdout }) => parseNvidiaRows(stdout, this.#columns))
      .filter(({ gpu }) => !known.has(gpu.uuid));
  }

  async #described(rows: readonly NvidiaRow[]): Promise<KnownDevice[]> {
    const isPartitioned = rows.some(({ gpu }) => gpu.isPartitioned === true);
    const [listing, details, topology] = await Promise.all([
      isPartitioned ? this.#ask(["-L"]) : null,
      isPartitioned ? this.#ask(["-q"]) : null,
      rows.length > 0 ? this.#ask(["topo", "-m"]) : null,
    ]);
    const slices = parseSliceListing(listing?.stdout ?? "");
    const memory = parseSliceMemory(details?.stdout ?? "");
    const gpus = rows.map(({ gpu }) => ({
      ...withSlices(gpu, slices, memory),
      numaNode: numaNodeOf(gpu.pciAddress, this.#options.sys),
    }));
    return connected(rows, gpus, parseNvidiaTopology(topology?.stdout ?? ""));
  }

  #follow(): void {
    const { clock, logger, intervalMs = agentTimings.gpuLoopIntervalMs } = this.#options;
    this.#loop ??= new NvidiaLoop({
      program: this.#program,
      columns: this.#columns,
      clock,
      logger,
      intervalMs,
      onRound: (round) => this.#took(round),
      onSilence: () => {
        this.#presence = null;
        this.#signature = "";
        this.#listen();
      },
    });
  }

  #took({ rows, lost }: NvidiaRound): void {
    this.#rows = rows;
    this.#readErrors();
    const signature = JSON.stringify([
      rows.map(({ gpu }) => [gpu.uuid, gpu.isPartitioned, gpu.health]),
      lost,
      this.#errors,
    ]);
    if (signature === this.#signature) return;
    this.#signature = signature;
    if (rows.some((row) => this.#isNew(row))) this.#presence = null;
    this.#listen();
  }

  /** Not described yet, or partitioned since, or no longer. */
  #isNew({ gpu }: NvidiaRow): boolean {
    const known = this.#known.get(gpu.uuid)?.gpu;
    return known === undefined || known.isPartitioned !== gpu.isPartitioned;
  }

  #readErrors(): void {
    for (const line of this.#kernelLog?.read() ?? []) {
      if (isDriverStart(line)) this.#errors = [];
      const error = parseXid(line);
      if (error === null || !isHardwareError(error)) continue;
      const others = this.#errors.filter(({ pciAddress }) => pciAddress !== error.pciAddress);
      this.#errors = [...others, error];
    }
  }

  #driverFiles(): ReadonlyMap<string, DriverFile> {
    const folder = `${this.#driverFolder}/gpus`;
    return new Map(
      listSys(folder).map((address) => [
        address.toLowerCase(),
        parseDriverFile(readSys(`${folder}/${address}/information`) ?? ""),
      ]),
    );
  }

  #presenceNow(): string {
    return gpuPresence(this.#driverFolder);
  }

  #ask(args: readonly string[]): Promise<ToolAnswer> {
    return runTool(this.#program, args, agentTimings.gpuProbeTimeoutMs);
  }
}

/** Changes when a device or a slice of one comes or goes; costs nothing, unlike asking the tool. */
export function gpuPresence(folder = "/proc/driver/nvidia"): string {
  const devices = listSys(`${folder}/gpus`);
  const slices = listSys(`${folder}/capabilities`)
    .filter((name) => /^gpu\d+$/.test(name))
    .map((name) => `${name}: ${listSys(`${folder}/capabilities/${name}/mig`).join(" ")}`);
  return [...devices, ...slices].join("\n");
}
