import type { DeviceHealth } from "@berth/protocol";
import type { Clock } from "@berth/runtime";
import { parseNvmeLog, parseSmartctl } from "../../core/hardware/smart-report.ts";
import { agentTimings } from "../../limits.ts";
import { runTool } from "./run-tool.ts";

export interface DiskTools {
  readonly smartctl: string;
  readonly nvme: string;
}
const TOOLS: DiskTools = { smartctl: "smartctl", nvme: "nvme" };

/** How disks are by what they say themselves, asked rarely and one after another. */
export class DiskHealth {
  readonly #clock: Clock;
  readonly #tools: DiskTools;
  readonly #known = new Map<string, { health: DeviceHealth | null; atMs: number }>();
  #underWay: Promise<void> | null = null;
  #listen: () => void = () => {};

  constructor(clock: Clock, tools: DiskTools = TOOLS) {
    this.#clock = clock;
    this.#tools = tools;
  }

  /** What was last heard; null for a disk that was not asked yet or does not tell. */
  of(device: string): DeviceHealth | null {
    return this.#known.get(device)?.health ?? null;
  }

  /** Asks the disks whose answer is old. Nobody waits for it: a failing disk takes its time. */
  refresh(devices: readonly string[]): Promise<void> {
    this.#underWay ??= this.#ask(devices).finally(() => {
      this.#underWay = null;
    });
    return this.#underWay;
  }

  onChange(listen: () => void): void {
    this.#listen = listen;
  }

  async #ask(devices: readonly string[]): Promise<void> {
    let isNews = false;
    for (const device of devices) {
      const before = this.#known.get(device);
      const nowMs = this.#clock.monotonicMs();
      if (before && nowMs - before.atMs < agentTimings.diskHealthIntervalMs) continue;
      const health = await this.#healthOf(device);
      this.#known.set(device, { health, atMs: nowMs });
      isNews ||= JSON.stringify(health) !== JSON.stringify(before?.health ?? null);
    }
    if (isNews) this.#listen();
  }

  /** A disk that sleeps is left asleep, and then says nothing. */
  async #healthOf(device: string): Promise<DeviceHealth | null> {
    const timeoutMs = agentTimings.diskProbeTimeoutMs;
    const args = ["--json", "--health", "--attributes", "--nocheck=standby", device];
    const report = await runTool(this.#tools.smartctl, args, timeoutMs);
    const health = parseSmartctl(report.stdout);
    if (health !== null || !device.startsWith("/dev/nvme")) return health;
    const log = await runTool(this.#tools.nvme, ["smart-log", device, "-o", "json"], timeoutMs);
    return parseNvmeLog(log.stdout);
  }
}
