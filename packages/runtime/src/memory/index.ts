/** The ports in memory, deterministic and without a wait: for tests and the simulation. */
export {
  type Delivery,
  MemoryBus,
  type MemoryNetworkOptions,
  memoryNetwork,
  type MemoryNetwork,
} from "./memory-bus.ts";
export { memoryLease, type MemoryLease, type MemoryLeaseOptions } from "./memory-lease.ts";
export {
  type AppendFault,
  memoryLog,
  type MemoryLog,
  type MemoryLogOptions,
} from "./memory-log.ts";
export { type LoggedLine, memoryLogger, type MemoryLogger } from "./memory-logger.ts";
export { memorySnapshots, type MemorySnapshots } from "./memory-snapshots.ts";
export { seededRandom } from "./seeded-random.ts";
export { subjectMatches } from "./subject-matches.ts";
export { virtualClock, type VirtualClock } from "./virtual-clock.ts";
