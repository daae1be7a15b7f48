import {
  BerthError,
  describePendingGroup,
  formatDurationMs,
  headroomDimensions,
  type RebalanceMove,
  type RebalancePlan,
} from "@berth/protocol";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { counted } from "../output/format-values.ts";
import { headroomTables } from "../output/headroom-tables.ts";
import { dimensionNames, roomText } from "../output/resources-text.ts";
import { type Column, renderTable } from "../output/table.ts";
import { applyMoves, type MoveOutcome } from "../watch/apply-moves.ts";
import { LONG_ANSWER_MS } from "./what-if.ts";

export interface RebalanceOptions {
  readonly plan?: true;
  readonly apply?: true;
  readonly for?: string;
  readonly moves: number;
  /** For each move. */
  readonly timeout: number;
}

/** `berth rebalance`: see the help text for what the exit codes mean. */
export async function rebalance(context: Context, options: RebalanceOptions): Promise<ExitCode> {
  if (options.plan && options.apply) {
    throw new BerthError("invalid", "either --plan or --apply", {
      hint: "--apply shows the plan too, before it begins.",
    });
  }
  const plan = await context.client.call(
    "cluster.rebalance",
    { workload: options.for ?? null, movesMax: options.moves },
    { waitMs: LONG_ANSWER_MS },
  );
  return options.apply ? apply(context, plan, options.timeout) : show(context, plan);
}

function show(context: Context, plan: RebalancePlan): ExitCode {
  if (context.isJson) context.printJson(plan);
  else if (context.format === "name") for (const move of plan.moves) context.print(move.allocation);
  else printPlan(context, plan);
  return codeOf(plan);
}

function codeOf({ moves, room }: RebalancePlan): ExitCode {
  if (room !== null && room.placeable < room.waiting) return exitCodes.blocked;
  return moves.length > 0 ? exitCodes.changes : exitCodes.done;
}

const moveColumns: readonly Column<RebalanceMove>[] = [
  { title: "ALLOC", value: ({ allocation }) => allocation },
  { title: "INSTANCE", value: ({ workload, index }) => `${workload}[${index}]` },
  { title: "FROM", value: ({ from }) => from },
  { title: "TO", value: ({ to }) => to },
  { title: "RECOVERS", value: recoveredText },
  { title: "GAIN", value: ({ gain }) => percentText(gain), align: "right" },
];

/** What less is stranded, in each dimension where that changes. */
function recoveredText({ recovered }: RebalanceMove): string {
  const parts = headroomDimensions.flatMap((dimension) => {
    const amount = recovered[dimension];
    return amount === 0 ? [] : [`${roomText(dimension, amount)} ${dimensionNames[dimension]}`];
  });
  return parts.join(", ");
}

/** Billionths of the cluster's capacity, all dimensions together. */
function percentText(billionths: number): string {
  return `${(billionths / 1e7).toFixed(4)}%`;
}

function printPlan(context: Context, plan: RebalancePlan): void {
  const { out } = context.terminal;
  const { moves, before, after, stranded, room, movable, tookMs } = plan;
  const head =
    moves.length === 0
      ? `nothing worth moving among ${counted(movable, "movable allocation")}`
      : `${counted(moves.length, "move")}, stranded ${percentText(stranded.before)} → ${percentText(stranded.after)}`;
  context.print(out.paint("bold", head));
  if (moves.length > 0) out.write(`\n${renderTable(out, moveColumns, moves)}`);
  if (room !== null) {
    context.print(`\nroom for ${room.placeable} of ${room.waiting} waiting of ${room.workload}`);
    for (const group of room.groups) context.print(`  ${describePendingGroup(group)}`);
  }
  out.write(`\n${headroomTables(out, before, after)}`);
  context.note(`planned in ${formatDurationMs(tookMs)}; nothing was changed`);
}

/** One move after the other, so that no workload ever misses more than one for our sake. */
async function apply(context: Context, plan: RebalancePlan, timeoutMs: number): Promise<ExitCode> {
  if (!context.isJson) printMoves(context, plan);
  const applied = await applyMoves(context, plan.moves, timeoutMs);
  const { outcomes, isInterrupted } = applied;
  const made = outcomes.filter(({ result }) => result === "moved").length;
  if (context.isJson) context.printJson({ plan, outcomes, interrupted: isInterrupted });
  else {
    for (const outcome of outcomes) context.print(outcomeText(outcome));
    const left = plan.moves.length - outcomes.length;
    const rest = left > 0 ? `, ${left} not begun` : "";
    context.note(`${made} of ${counted(plan.moves.length, "move")} made${rest}`);
  }
  if (isInterrupted) return exitCodes.interrupted;
  if (outcomes.some(({ result }) => result === "timeout")) return exitCodes.timeout;
  return made === plan.moves.length ? exitCodes.done : exitCodes.blocked;
}

function printMoves(context: Context, { moves, movable }: RebalancePlan): void {
  if (moves.length === 0) {
    context.note(`nothing worth moving among ${counted(movable, "movable allocation")}`);
    return;
  }
  const { notes } = context.terminal;
  notes.write(renderTable(notes, moveColumns, moves));
}

function outcomeText({ move, result, node, message }: MoveOutcome): string {
  const who = `${move.workload}[${move.index}]  ${move.from} → ${node ?? move.to}`;
  return `${who}  ${result}${message === null ? "" : `: ${message}`}`;
}
