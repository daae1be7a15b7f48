import { createLogger } from "@berth/runtime/node";
import type { Gateway, GatewayOptions } from "./gateway-options.ts";
import { startGateway } from "./start-gateway.ts";

export interface RunGatewayOptions extends GatewayOptions {
  /** Raised to end in order. */
  readonly stop: AbortSignal;
  /** Called once, when the address is known: the page can be opened. */
  readonly onListening?: (address: Pick<Gateway, "port" | "url">) => void;
}

/**
 * Runs a gateway in this process until `stop` is raised, whether or not the cluster can be reached
 * meanwhile. Rejects as `startGateway` does.
 */
export async function runGateway(options: RunGatewayOptions): Promise<void> {
  const logger = options.logger ?? createLogger({ name: "console" });
  const gateway = await startGateway({ ...options, logger });
  logger.info("listening", { url: gateway.url });
  options.onListening?.(gateway);
  await raised(options.stop);
  await gateway.stop();
}

function raised(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
