import { type ApiParams, type RebalancePlan } from "@berth/protocol";
import type { QueryContext, QueryResult } from "../query/query-result.ts";
import { billionthsOf } from "../room/room-survey.ts";
import { findWorkload } from "../select/find.ts";
import { refuse } from "../select/refusal.ts";
import { sizeRefusal } from "../whatif/size-refusal.ts";
import { Draft } from "./draft.ts";
import { makeRoom, type RoomMade, waitingForRoom } from "./make-room.ts";
import { recoverRoom } from "./recover-room.ts";

/**
 * A bounded list of moves of what may be moved, made one after the other on a fork of the state: for
 * a workload that waits for room, or so that less of the cluster is stranded. Yields between parts
 * of the work; the state may change meanwhile.
 */
export function* planRebalance(
  { state, nowUnixMs }: QueryContext,
  { workload: selector, movesMax }: ApiParams<"cluster.rebalance">,
): Generator<void, QueryResult<RebalancePlan>> {
  const tooLarge = sizeRefusal(state);
  if (tooLarge) return tooLarge;
  const { seq } = state;
  const found = selector === null ? null : findWorkload(state, selector);
  if (found && !found.ok) return found;
  const id = found?.value.id ?? null;
  if (found && (found.value.spec.kind === "system" || waitingForRoom(found.value).length === 0)) {
    return refuse("conflict", `nothing of ${id} waits for room that moves could make`, {
      hint: `\`berth why ${id}\` says what it waits for`,
    });
  }
  const draft = yield* Draft.begin(state, nowUnixMs, movesMax);
  const before = draft.headroom();
  const strandedBefore = billionthsOf(draft.strandedUnits);
  const movable = draft.countMovable();
  const workload = id === null ? undefined : draft.state.workloads.get(id);
  let made: RoomMade | null = null;
  if (workload) made = yield* makeRoom(draft, workload);
  else yield* recoverRoom(draft);
  const value: RebalancePlan = {
    seq,
    moves: draft.moves,
    before,
    after: draft.headroom(),
    stranded: { before: strandedBefore, after: billionthsOf(draft.strandedUnits) },
    room: made && workload ? { workload: workload.id, ...made } : null,
    movable,
    tookMs: 0, // whoever has a clock says
  };
  return { ok: true, value };
}
