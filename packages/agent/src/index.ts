/** The agent of one node: runs what it is told to, and says what it sees. */
export { type AgentOptions, DEFAULT_PORT_RANGE, type PortRange } from "./agent-options.ts";
export { parseDevices, parseInterfaceSpeeds, parsePool, parseTaints } from "./core/declarations.ts";
export { runAgent, type RunAgentOptions } from "./run-agent.ts";
export { type AgentWorld, type RunningAgent, startAgent } from "./shell/agent.ts";
export { loadOrCreateCredentials, type NodeCredentials } from "./shell/credentials.ts";
export { stopAllTasks } from "./stop-all-tasks.ts";
export { AGENT_VERSION } from "./version.ts";
