import { execFile } from "node:child_process";
import type { Gpu } from "@berth/protocol";
import { GPU_QUERY, parseGpuListing } from "../../core/gpu-listing.ts";
import { agentLimits, agentTimings } from "../../limits.ts";
import { listSys } from "./sys-files.ts";

/** Asks the driver's own tool. No tool, no driver or no answer in time: no GPUs. */
export function discoverGpus(nvidiaSmi = "nvidia-smi"): Promise<Gpu[]> {
  const query = [`--query-gpu=${GPU_QUERY}`, "--format=csv,noheader,nounits"];
  const options = {
    timeout: agentTimings.gpuProbeTimeoutMs,
    killSignal: "SIGKILL" as const,
    maxBuffer: agentLimits.gpuListingBytesMax,
  };
  return new Promise((resolve) => {
    // A device that fails makes the tool fail after it has listed the others: take what it says.
    execFile(nvidiaSmi, query, options, (_error, stdout) => resolve(parseGpuListing(stdout)));
  });
}

/** Changes when a device comes or goes; costs nothing, unlike asking the tool. */
export function gpuPresence(): string {
  return listSys("/proc/driver/nvidia/gpus").join(" ");
}
