export { runSeed, type SeedResult, simulationLimits } from "./run-seed.ts";
