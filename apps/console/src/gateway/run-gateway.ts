import { createLogger, runService } from "@berth/runtime/node";
import type { GatewayOptions } from "./gateway-options.ts";
import { startGateway } from "./start-gateway.ts";

/** Runs a gateway until SIGTERM or SIGINT, then ends the process. */
export async function runGateway(options: GatewayOptions): Promise<never> {
  const logger = options.logger ?? createLogger({ name: "console" });
  return runService({ logger }, async (stop) => {
    const gateway = await startGateway({ ...options, logger });
    logger.info("listening", { url: gateway.url });
    await new Promise<void>((resolve) => {
      if (stop.aborted) resolve();
      else stop.addEventListener("abort", () => resolve(), { once: true });
    });
    await gateway.stop();
  });
}
