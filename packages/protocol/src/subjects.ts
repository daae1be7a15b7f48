import type { NodeId } from "./ids.ts";

/**
 * Every subject Berth uses is built here and nowhere else.
 *
 * | subject | who → who | what |
 * |---|---|---|
 * | `berth.log` | leader → stream | log entries |
 * | `berth.lease` | leader → stream | the lease: who tries to write |
 * | `berth.scheduler.<holder>.presence` | scheduler → scheduler | request/reply: are you there |
 * | `berth.snapshots.<id>.chunks|manifest` | scheduler → stream | a snapshot of the state |
 * | `berth.api.<method>` | client → leader; reads: any scheduler | request/reply |
 * | `berth.agent.<node>.hello|report|desired` | agent → leader | request/reply |
 * | `berth.agent.<node>.beat|usage|health` | agent → all interested | droppable |
 * | `berth.node.<node>.desired` | leader → agent | a hint: what changed, with (term, generation) |
 * | `berth.node.<node>.introduce` | leader → agent | a hint: say hello, I do not know you |
 * | `berth.node.<node>.logs` | operator → agent | request/reply, pull |
 */
export const LOG_STREAM = "BERTH_LOG";
export const LOG_SUBJECT = "berth.log";
export const LEASE_STREAM = "BERTH_LEASE";
export const LEASE_SUBJECT = "berth.lease";
export const SNAPSHOT_STREAM = "BERTH_SNAPSHOTS";
/** Schedulers that can answer reads share them. */
export const READERS_QUEUE = "berth-readers";

export type AgentRequest = "hello" | "report" | "desired";
export type AgentTelemetry = "beat" | "usage" | "health";
export type NodeRequest = "logs";

export const subjects = {
  log: LOG_SUBJECT,
  api: (method: string) => `berth.api.${method}`,
  apiAll: "berth.api.>",
  schedulerPresence: (holder: string) => `berth.scheduler.${holder}.presence`,
  snapshot: (id: string, part: "chunks" | "manifest") => `berth.snapshots.${id}.${part}`,
  snapshotEvery: (part: "chunks" | "manifest") => `berth.snapshots.*.${part}`,
  snapshotAll: "berth.snapshots.>",
  agent: (node: NodeId, message: AgentRequest | AgentTelemetry) => `berth.agent.${node}.${message}`,
  agentEvery: (message: AgentRequest | AgentTelemetry) => `berth.agent.*.${message}`,
  agentAll: (node: NodeId) => `berth.agent.${node}.>`,
  nodeDesired: (node: NodeId) => `berth.node.${node}.desired`,
  nodeIntroduce: (node: NodeId) => `berth.node.${node}.introduce`,
  node: (node: NodeId, message: NodeRequest) => `berth.node.${node}.${message}`,
  nodeAll: (node: NodeId) => `berth.node.${node}.>`,
  /**
   * Where a client receives replies: its inbox prefix. The server lets it subscribe to no other,
   * so nobody reads another's answers.
   */
  inbox: (publicKey: string) => `_INBOX.${publicKey}`,
} as const;

/** The method of an api subject, or null when the subject is not one. */
export function apiMethodOf(subject: string): string | null {
  return subject.startsWith("berth.api.") ? subject.slice("berth.api.".length) : null;
}

/** The node of an agent subject; null when the token is not there. Not validated: parse as NodeId. */
export function agentNodeOf(subject: string): string | null {
  const tokens = subject.split(".");
  return tokens[0] === "berth" && tokens[1] === "agent" ? (tokens[2] ?? null) : null;
}
