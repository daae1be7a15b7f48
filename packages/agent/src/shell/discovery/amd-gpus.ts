import type { Gpu } from "@berth/protocol";
import { parseAmdListing } from "../../core/hardware/amd-listing.ts";
import { agentTimings } from "../../limits.ts";
import { numaNodeOf } from "./numa-node-of.ts";
import { runTool } from "./run-tool.ts";

/** AMD devices as `amd-smi` tells them; none where it is not installed. */
export async function askAmdSmi(program = "amd-smi", sys?: string): Promise<Gpu[]> {
  const ask = async (...what: readonly string[]) => {
    const args = [...what, "--json"];
    return (await runTool(program, args, agentTimings.gpuProbeTimeoutMs)).stdout;
  };
  const list = await ask("list");
  if (list === "") return [];
  const [facts, topology, ecc] = await Promise.all([
    ask("static"),
    ask("topology"),
    ask("metric", "--ecc"),
  ]);
  return parseAmdListing({ list, facts, topology, ecc }).map((gpu) => ({
    ...gpu,
    numaNode: numaNodeOf(gpu.pciAddress, sys),
  }));
}
