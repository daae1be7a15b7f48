import { berthTests } from "../../vitest.shared.ts";

export default berthTests({
  test: {
    include: ["web/**/*.test.ts"],
    exclude: ["**/*.browser.test.ts", "**/*.integration.test.ts", "**/node_modules/**"],
  },
});
