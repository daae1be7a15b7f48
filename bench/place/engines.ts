import type { EngineFactory } from "./engine.ts";
import { placementEngine } from "./placement-engine.ts";
import { plainEngine } from "./plain-engine.ts";
import { plainPreemption } from "./plain-preemption.ts";
import { preemptingEngine } from "./preempting-engine.ts";
import type { Mix } from "./scenario.ts";

/** The engine that a mix is played with, and the plain loops that it must agree with. */
export function enginesFor({ needs }: Mix): {
  readonly fast: EngineFactory;
  readonly plain: EngineFactory;
} {
  return needs === "preemption"
    ? { fast: preemptingEngine, plain: plainPreemption }
    : { fast: placementEngine, plain: plainEngine };
}
