import { berthTests } from "../../vitest.shared.ts";

/** With a real browser, and a real cluster where it is built; one file after another. */
export default berthTests({
  test: {
    include: ["test/**/*.browser.test.ts"],
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    reporters: ["default", ["json", { outputFile: "reports/vitest-integration.json" }]],
  },
});
