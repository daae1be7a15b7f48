import type { Mix } from "../scenario.ts";
import { churn } from "./churn.ts";
import { constraints } from "./constraints.ts";
import { different } from "./different.ts";
import { gang } from "./gang.ts";
import { gpu } from "./gpu.ts";
import { identical } from "./identical.ts";
import { preempt } from "./preempt.ts";
import { spread } from "./spread.ts";

/** Every mix, in the order of tables and charts. */
export const MIXES: readonly Mix[] = [
  identical,
  different,
  constraints,
  spread,
  gpu,
  gang,
  preempt,
  churn,
];
