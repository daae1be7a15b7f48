import {
  type ApiParams,
  type ApplyResult,
  type ClusterEvent,
  limits,
  type SpecProblem,
  type SpecWarning,
  utf8Length,
  validateWorkloads,
  workloadId,
  type WorkloadSpec,
} from "@berth/protocol";
import { type Refused, refuse } from "../select/refusal.ts";
import type { ClusterState } from "../state/cluster-state.ts";
import { sameSpec } from "../state/task-identity.ts";
import { warningsOf } from "../explain/submission-warnings.ts";
import { findCyclicColocations } from "./cyclic-colocations.ts";
import { findOverQuota } from "./over-quota.ts";
import { type CommandContext, type Decision, decide } from "./decision.ts";

/** Creates or updates workloads: all of them, or none when any has a problem. */
export function applyWorkloads(
  { state }: CommandContext,
  { workloads }: ApiParams<"workload.apply">,
): Decision {
  const validated = validateWorkloads(workloads);
  if (!validated.ok) return refuseSpecs(validated.problems);
  const problems = [
    ...findChangedKinds(state, validated.specs),
    ...findOverQuota(state, validated.specs),
    ...findCyclicColocations(state, validated.specs),
  ];
  if (problems.length > 0) return refuseSpecs(problems);
  const events: ClusterEvent[] = [];
  const results: ApplyResult[] = [];
  for (const spec of validated.specs) {
    const revision = reviseSpec(state, spec);
    const { workload: id, version, change } = revision;
    if (state.workloads.get(id)?.removing) {
      return refuse("conflict", `${id} is being removed`, {
        hint: "apply it again once its last allocation has ended",
        retryable: true,
      });
    }
    results.push({ ...revision, warnings: [] });
    if (change === "unchanged") continue;
    events.push({ type: "WorkloadApplied", workloadId: id, version, spec });
  }
  const bytes = bytesOf(events) + bytesOf(results);
  if (bytes > limits.submissionBytesMax) {
    return refuse(
      "invalid",
      `${bytes} bytes of workloads; at most ${limits.submissionBytesMax} at once`,
      {
        hint: "submit them in several parts",
        details: { bytes, bytesMax: limits.submissionBytesMax },
      },
    );
  }
  const warnings = warningsOf(state, validated.specs);
  return decide(events, { results: warned(results, warnings, limits.submissionBytesMax - bytes) });
}

/** The answer is kept beside the events, so only as many warnings as there is room for. */
function warned(
  results: readonly ApplyResult[],
  warnings: readonly (readonly SpecWarning[])[],
  bytesMax: number,
): ApplyResult[] {
  let bytesLeft = bytesMax;
  return results.map((result, document) => {
    const kept = (warnings[document] ?? []).filter((warning) => {
      bytesLeft -= bytesOf(warning) + 1;
      return bytesLeft >= 0;
    });
    return { ...result, warnings: kept };
  });
}

function bytesOf(value: unknown): number {
  return utf8Length(JSON.stringify(value));
}

type Revision = Omit<ApplyResult, "warnings">;

/** What applying this spec would make of the workload: the same spec again changes nothing. */
export function reviseSpec(state: ClusterState, spec: WorkloadSpec): Revision {
  const id = workloadId(spec.project, spec.name);
  const known = state.workloads.get(id);
  if (!known) return { workload: id, version: 1, change: "created" };
  if (!known.stopped && sameSpec(known.spec, spec)) {
    return { workload: id, version: known.version, change: "unchanged" };
  }
  return { workload: id, version: known.version + 1, change: "updated" };
}

/** Indexes mean something else in another kind, so nothing could be carried over. */
export function findChangedKinds(
  state: ClusterState,
  specs: readonly WorkloadSpec[],
): SpecProblem[] {
  return specs.flatMap(({ project, name, kind }, document) => {
    const known = state.workloads.get(workloadId(project, name));
    if (!known || known.spec.kind === kind) return [];
    return [
      {
        document,
        path: ["kind"],
        message: `${known.id} is a ${known.spec.kind}; a workload keeps its kind`,
        value: JSON.stringify(kind),
        suggestion: `remove it first (berth rm ${known.id}), or choose another name`,
      },
    ];
  });
}

export function refuseSpecs(problems: SpecProblem[]): Refused {
  const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
  return refuse("spec.invalid", `the submission has ${count}`, { problems });
}
