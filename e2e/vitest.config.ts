import { berthTests } from "../vitest.shared.ts";

/** Whole clusters on one machine: one at a time, each with its own home and ports. */
export default berthTests({
  test: {
    include: ["test/**/*.e2e.test.ts"],
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ["default", ["json", { outputFile: "reports/vitest-integration.json" }]],
  },
});
