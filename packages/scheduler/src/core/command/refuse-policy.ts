import type { SpecProblem } from "@berth/protocol";
import { type Refused, refuse } from "../select/refusal.ts";

/** Everything that is wrong with a project, pool or reservation; nothing was changed. */
export function refusePolicy(
  what: "project" | "pool" | "reservation",
  problems: SpecProblem[],
): Refused {
  const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
  return refuse("spec.invalid", `the ${what} has ${count}`, { problems });
}
