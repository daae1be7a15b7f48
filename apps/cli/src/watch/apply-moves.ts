import { type AllocationView, BerthError, type RebalanceMove } from "@berth/protocol";
import { newRequestId } from "../cluster/cluster-client.ts";
import { listAll } from "../cluster/list-all.ts";
import { exitCodes } from "../exit-codes.ts";
import { LiveLines } from "../output/live-lines.ts";
import type { Terminal } from "../output/terminal.ts";
import { type Waiting, waitForEvents } from "./wait-for-events.ts";

/**
 * `moved`: the replacement serves, or the work is done. `skipped`: the cluster has changed since it was
 * planned, and nothing was done. `timeout`: it was stopped, and its replacement does not serve yet.
 */
export interface MoveOutcome {
  readonly move: RebalanceMove;
  readonly result: "moved" | "skipped" | "timeout";
  /** Where its index is now; null where that is not known. */
  readonly node: string | null;
  readonly message: string | null;
}

export interface AppliedMoves {
  readonly outcomes: readonly MoveOutcome[];
  readonly isInterrupted: boolean;
}

/**
 * Makes the moves one after the other, each when the replacement of the one before serves. Ctrl-C ends
 * it after the current one; so does a replacement that does not come up in time.
 */
export async function applyMoves(
  context: Waiting & { readonly terminal: Terminal },
  moves: readonly RebalanceMove[],
  timeoutMs: number,
): Promise<AppliedMoves> {
  const { interrupted } = context;
  const lines = new LiveLines(context.terminal.notes);
  const outcomes: MoveOutcome[] = [];
  try {
    for (const [at, move] of moves.entries()) {
      if (interrupted.aborted) return { outcomes, isInterrupted: true };
      const { workload, index, from, to } = move;
      lines.update([`${at + 1}/${moves.length}  ${workload}[${index}]  ${from} → ${to}`]);
      const outcome = await makeMove(context, move, timeoutMs);
      outcomes.push(outcome);
      if (outcome.result === "timeout") break;
    }
  } finally {
    lines.end();
  }
  const isInterrupted = interrupted.aborted && outcomes.length < moves.length;
  return { outcomes, isInterrupted };
}

async function makeMove(
  context: Waiting,
  move: RebalanceMove,
  timeoutMs: number,
): Promise<MoveOutcome> {
  const { allocation, toId } = move;
  try {
    const request = { requestId: newRequestId(), allocation, node: toId };
    await context.client.call("allocation.move", request);
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    if (error.code !== "conflict" && error.code !== "not_found") throw error;
    return { move, result: "skipped", node: null, message: error.message };
  }
  const seen = await waitUntilServes(context, move, timeoutMs);
  if (seen === null) {
    const message = "its replacement does not serve yet; `berth why` says what it waits for";
    return { move, result: "timeout", node: null, message };
  }
  return { move, result: "moved", ...seen };
}

interface Served {
  readonly node: string | null;
  readonly message: string | null;
}

/** Null when the time is up. Ctrl-C does not end this wait: half a move is none. */
async function waitUntilServes(
  context: Waiting,
  move: RebalanceMove,
  timeoutMs: number,
): Promise<Served | null> {
  let served: Served | null = null;
  const signal = new AbortController().signal;
  const waited = { timeoutMs, workload: move.workload, signal };
  await waitForEvents(context, waited, async () => {
    served = await servedBy(context, move);
    return served === null ? null : exitCodes.done;
  });
  return served;
}

async function servedBy(context: Waiting, move: RebalanceMove): Promise<Served | null> {
  const { client } = context;
  const { workload, index, allocation, toId, to } = move;
  const before = await client.call("allocation.get", { allocation });
  if (before.outcome === null) return null;
  if (before.outcome === "complete") return { node: null, message: "it was done before" };
  const there = await listAll(client, "allocation.list", { workload, node: toId });
  const here = there.allocations.find((one) => one.index === index);
  if (here) return serves(here) ? { node: to, message: null } : null;
  const all = await listAll(client, "allocation.list", { workload });
  const elsewhere = all.allocations.find((one) => one.index === index);
  if (elsewhere === undefined || !serves(elsewhere)) return null;
  const message = `${to} had no room any more`;
  return { node: elsewhere.nodeName, message };
}

function serves({ status, health }: AllocationView): boolean {
  return status === "running" && (health === "none" || health === "healthy");
}
