/** The operator's console: a gateway that serves the cluster's live state, and the page it serves. */
export type { Gateway, GatewayOptions } from "./gateway/gateway-options.ts";
export { runGateway, type RunGatewayOptions } from "./gateway/run-gateway.ts";
export { startGateway } from "./gateway/start-gateway.ts";
