import { BerthError } from "@berth/protocol";
import type { Gateway, GatewayOptions } from "./gateway-options.ts";

/** Serves until stopped. Rejects with a `BerthError` `conflict` when the port is taken. */
export async function startGateway(_options: GatewayOptions): Promise<Gateway> {
  throw new BerthError("internal", "not there yet");
}
