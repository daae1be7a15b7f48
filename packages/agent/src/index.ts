import { BerthError } from "@berth/protocol";
import type { AgentOptions } from "./agent-options.ts";

export { type AgentOptions, DEFAULT_PORT_RANGE, type PortRange } from "./agent-options.ts";

/** Runs an agent until SIGTERM or SIGINT, then ends the process. Tasks are left running. */
export async function runAgent(_options: AgentOptions): Promise<never> {
  throw new BerthError("internal", "not there yet");
}

/** Kills every task recorded in a state folder that no agent uses; the number of tasks stopped. */
export async function stopAllTasks(_stateFolder: string): Promise<number> {
  throw new BerthError("internal", "not there yet");
}
