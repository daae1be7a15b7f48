import { berthTests } from "../../vitest.shared.ts";

/** Against the built command and real clusters, one file at a time: each takes the whole machine. */
export default berthTests({
  test: {
    include: ["test/**/*.integration.test.ts"],
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    reporters: ["default", ["json", { outputFile: "reports/vitest-integration.json" }]],
  },
});
