import { type ApiParams, limits, type WhatIf } from "@berth/protocol";
import { takePage } from "../query/page.ts";
import type { QueryContext, QueryResult } from "../query/query-result.ts";
import { surveyNodes } from "../room/survey-nodes.ts";
import { hypothesisEvents } from "./hypothesis-events.ts";
import { countChanges, indexChanges, newlyWaiting, Whereabouts } from "./index-changes.ts";
import { Scratch } from "./scratch.ts";
import { restlessRefusal, sizeRefusal } from "./size-refusal.ts";

/** Of an answer that is bounded, the part that explanations may take. */
const WAITING_SHARE = 0.5;

/**
 * What the cluster would come to if the hypothesis came true, against what it comes to anyway: both
 * by the fold and the evaluation themselves, on a fork of the state. Yields between parts of the
 * work, none of which takes longer than a pass of the scheduler; the state may change meanwhile.
 */
export function* whatIf(
  { state, nowUnixMs, replyBytesMax }: QueryContext,
  { hypothesis }: ApiParams<"cluster.whatif">,
): Generator<void, QueryResult<WhatIf>> {
  const tooLarge = sizeRefusal(state);
  if (tooLarge) return tooLarge;
  const { seq } = state;
  const scratch = new Scratch(state, nowUnixMs);
  yield;
  // A mistake in the question is answered before any work.
  const understood = hypothesisEvents(scratch.state, hypothesis, nowUnixMs);
  if (!understood.ok) return understood;
  if (!(yield* scratch.settle(limits.whatIfPassesMax))) return restlessRefusal();
  const survey = yield* surveyNodes(scratch.state);
  const before = survey.headroom();
  const whereabouts = new Whereabouts(scratch.state);
  const passesBefore = scratch.passes;
  scratch.forgetTouched();
  yield;
  const events = hypothesisEvents(scratch.state, hypothesis, nowUnixMs);
  if (!events.ok) return events;
  scratch.apply(events.value);
  yield;
  if (!(yield* scratch.settle(limits.whatIfPassesMax))) return restlessRefusal();
  for (const id of scratch.touchedNodes) {
    const node = scratch.state.nodes.get(id);
    if (node) survey.set(node);
  }
  yield;
  const changes = indexChanges(whereabouts, scratch.state, scratch.touchedWorkloads);
  const asked = new Set(
    events.value.flatMap((event) => (event.type === "WorkloadApplied" ? [event.workloadId] : [])),
  );
  const waiting = newlyWaiting(whereabouts, scratch.state, scratch.touchedWorkloads, asked);
  const bytesMax = replyBytesMax === null ? null : Math.floor(replyBytesMax * WAITING_SHARE);
  const value: WhatIf = {
    seq,
    changes: changes.slice(0, limits.whatIfListedMax),
    counts: countChanges(changes),
    waiting: takePage(waiting, { limit: limits.whatIfListedMax, bytesMax }, (one) => one).views,
    waitingWorkloads: waiting.length,
    before,
    after: survey.headroom(),
    passes: scratch.passes - passesBefore,
    tookMs: 0, // whoever has a clock says
  };
  return { ok: true, value };
}
