import { execFile } from "node:child_process";
import type { Gpu } from "@berth/protocol";
import {
  GPU_QUERY,
  parseGpuListing,
  parseSliceListing,
  withSlices,
} from "../../core/gpu-listing.ts";
import { agentLimits, agentTimings } from "../../limits.ts";
import { listSys } from "./sys-files.ts";

/** Asks the driver's own tool. No tool, no driver or no answer in time: no GPUs. */
export async function discoverGpus(nvidiaSmi = "nvidia-smi"): Promise<Gpu[]> {
  const query = [`--query-gpu=${GPU_QUERY}`, "--format=csv,noheader,nounits"];
  const gpus = parseGpuListing(await ask(nvidiaSmi, query));
  return gpus.length === 0 ? [] : withSlices(gpus, parseSliceListing(await ask(nvidiaSmi, ["-L"])));
}

function ask(nvidiaSmi: string, what: readonly string[]): Promise<string> {
  const options = {
    timeout: agentTimings.gpuProbeTimeoutMs,
    killSignal: "SIGKILL" as const,
    maxBuffer: agentLimits.gpuListingBytesMax,
  };
  return new Promise((resolve) => {
    // A device that fails makes the tool fail after it has listed the others: take what it says.
    execFile(nvidiaSmi, what, options, (_error, stdout) => resolve(stdout));
  });
}

/** Changes when a device or a slice of one comes or goes; costs nothing, unlike asking the tool. */
export function gpuPresence(folder = "/proc/driver/nvidia"): string {
  const devices = listSys(`${folder}/gpus`);
  const slices = listSys(`${folder}/capabilities`)
    .filter((name) => /^gpu\d+$/.test(name))
    .map((name) => `${name}: ${listSys(`${folder}/capabilities/${name}/mig`).join(" ")}`);
  return [...devices, ...slices].join("\n");
}
