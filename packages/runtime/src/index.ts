export * from "./assert.ts";
export * from "./entry-hash.ts";
export * from "./logger.ts";
export * from "./ports.ts";
export * from "./snapshot-digest.ts";
