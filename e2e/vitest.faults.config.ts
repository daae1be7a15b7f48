import { berthTests } from "../vitest.shared.ts";

/** Faults that take their time: too long for every run, run before a release. */
export default berthTests({
  test: {
    include: ["faults/**/*.faults.test.ts"],
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 120_000,
    reporters: ["default", ["json", { outputFile: "reports/vitest-faults.json" }]],
  },
});
