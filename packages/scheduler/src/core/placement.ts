/**
 * Where an allocation goes: the engine that finds the best node of many quickly, and what fits and what
 * is best, one node at a time. Pure; for those who place outside of a cluster, as benchmarks do.
 */
export * from "./fleet/index.ts";
export * from "./place/index.ts";
export { fitsOf } from "./room/fits.ts";
export * from "./preempt/index.ts";
