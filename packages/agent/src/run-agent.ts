import type { Logger } from "@berth/runtime";
import { openBus } from "@berth/runtime/nats";
import { createLogger, nodeClock, nodeRandom } from "@berth/runtime/node";
import type { AgentOptions } from "./agent-options.ts";
import { startAgent } from "./shell/agent.ts";
import { loadOrCreateCredentials } from "./shell/credentials.ts";
import { nodeNameOf } from "./shell/describe-node.ts";

export interface RunAgentOptions extends AgentOptions {
  /** Raised to end in order. */
  readonly stop: AbortSignal;
  readonly logger?: Logger;
}

/** Thousands of agents must not come back in the same moment. */
const RECONNECT_JITTER_MS = 1_000;

/**
 * Runs an agent in this process until `stop` is raised. Tasks are left running then, and are taken
 * up again by the next agent on the same state folder. Works without the server: what runs is
 * supervised, what should run is learned later.
 *
 * Rejects with a `BerthError`: `conflict` when another agent uses the state folder, `denied` or
 * `invalid` when the credentials cannot be used.
 */
export async function runAgent(options: RunAgentOptions): Promise<void> {
  const logger = options.logger ?? createLogger({ name: "agent" });
  const { seed, nodeId } = await loadOrCreateCredentials(options.credentials);
  const bus = await openBus({
    servers: options.server,
    name: `agent ${nodeNameOf(options)}`,
    seed,
    reconnectJitterMs: RECONNECT_JITTER_MS,
    logger,
  });
  bus.onStatus((status) => logger.info(`NATS ${status}`));
  try {
    const world = { bus, clock: nodeClock, random: nodeRandom, logger };
    const agent = await startAgent(options, nodeId, world);
    const nodeName = nodeNameOf(options);
    logger.info("running", { node: nodeId, nodeName, state: options.state });
    await raised(options.stop);
    agent.stop();
  } finally {
    await bus.close();
  }
}

function raised(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
