import type {
  ApiMethod,
  ApiParams,
  api,
  ClusterEvent,
  RequestId,
  WireError,
} from "@berth/protocol";
import { refuse } from "../select/refusal.ts";
import type { ClusterState } from "../state/cluster-state.ts";
import { applyWorkloads } from "./apply-workloads.ts";
import type { CommandContext, Decision, JsonObject } from "./decision.ts";
import { moveAllocation } from "./move-allocation.ts";
import { cordonNode, drainNode, removeNode, uncordonNode } from "./node-commands.ts";
import { configurePool } from "./pool-commands.ts";
import { configureProject, removeProject } from "./project-commands.ts";
import { makeReservation, removeReservation } from "./reservation-commands.ts";
import { removeWorkload, stopWorkload } from "./workload-commands.ts";

export type WriteMethod = {
  [M in ApiMethod]: (typeof api)[M]["kind"] extends "write" ? M : never;
}[ApiMethod];

/**
 * What a write decides. `events` belong in one entry; `reply` makes the answer from the sequence
 * of that entry and is sent once it is durable. A repeated request has no events: `reply` ignores
 * its argument and returns the first answer, to be sent once everything applied is durable.
 */
export type CommandResult =
  | { ok: true; events: ClusterEvent[]; reply: (seq: number) => unknown }
  | { ok: false; error: WireError };

const handlers: {
  [M in WriteMethod]: (context: CommandContext, params: ApiParams<M>) => Decision;
} = {
  "workload.apply": applyWorkloads,
  "workload.stop": stopWorkload,
  "workload.remove": removeWorkload,
  "allocation.move": moveAllocation,
  "node.cordon": cordonNode,
  "node.uncordon": uncordonNode,
  "node.drain": drainNode,
  "node.remove": removeNode,
  "project.configure": configureProject,
  "project.remove": removeProject,
  "pool.configure": configurePool,
  "reservation.make": makeReservation,
  "reservation.remove": removeReservation,
};

/**
 * Decides a write against the state; nothing changes until the events are applied. `params` are
 * what the method's schema parsed. A refused write is not remembered: it may be repeated.
 */
export function handleCommand<M extends WriteMethod>(
  state: ClusterState,
  method: M,
  params: ApiParams<M>,
  at: { nowUnixMs: number },
): CommandResult {
  const { requestId } = params as { requestId: RequestId };
  const answered = state.answers.get(requestId);
  if (answered) {
    if (answered.method !== method) {
      return refuse("conflict", `request ${requestId} was a ${answered.method} before`, {
        hint: "use a new request id for each intended change",
      });
    }
    const answer = { seq: answered.seq, ...(answered.reply as JsonObject) };
    return { ok: true, events: [], reply: () => answer };
  }
  const decision = handlers[method]({ state, nowUnixMs: at.nowUnixMs }, params);
  if (!decision.ok) return decision;
  const { events, reply } = decision;
  const answer: ClusterEvent = {
    type: "RequestAnswered",
    requestId,
    method,
    reply: reply as Extract<ClusterEvent, { type: "RequestAnswered" }>["reply"],
  };
  return { ok: true, events: [...events, answer], reply: (seq) => ({ seq, ...reply }) };
}
