import type { Gpu } from "@berth/protocol";
import { parseIntelDevice, parseIntelNumbers } from "../../core/hardware/intel-listing.ts";
import { agentTimings } from "../../limits.ts";
import { numaNodeOf } from "./numa-node-of.ts";
import { runTool } from "./run-tool.ts";

/**
 * Intel's data center devices as `xpu-smi` tells them, without health; none where it is not
 * installed. So what merely drives a screen is not taken for a device to compute with.
 */
export async function askXpuSmi(program = "xpu-smi", sys?: string): Promise<Gpu[]> {
  const ask = async (...args: readonly string[]) =>
    (await runTool(program, args, agentTimings.gpuProbeTimeoutMs)).stdout;
  const numbers = parseIntelNumbers(await ask("discovery", "-j"));
  const details = await Promise.all(
    numbers.map((number) => ask("discovery", "-d", String(number), "-j")),
  );
  return details
    .flatMap((text) => parseIntelDevice(text) ?? [])
    .map((gpu) => ({ ...gpu, numaNode: numaNodeOf(gpu.pciAddress, sys) }))
    .sort((a, b) => (a.uuid < b.uuid ? -1 : 1));
}
