import { defineConfig, mergeConfig } from "vitest/config";
import { berthTests } from "../../vitest.shared.ts";

/** Tests with real browsers and real servers: one file after another. */
export default mergeConfig(
  berthTests(),
  defineConfig({
    test: {
      fileParallelism: false,
      testTimeout: 60_000,
      hookTimeout: 120_000,
      reporters: ["default", ["json", { outputFile: "reports/vitest-integration.json" }]],
    },
  }),
);
