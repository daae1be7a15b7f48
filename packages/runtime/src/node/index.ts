/** The world of one Node process: time, chance, standard error, signals, files. */
export { nodeClock } from "./clock.ts";
export { folderSnapshots } from "./folder-snapshots.ts";
export { createLogger, type LoggerOptions } from "./logger.ts";
export { nodeRandom } from "./random.ts";
export { runService, type ServiceOptions } from "./run-service.ts";
export { readSeedFile } from "./seed-file.ts";
export { watchStorage } from "./watch-storage.ts";
