export * from "./assert.ts";
export * from "./ports.ts";
