import { defineConfig, type ViteUserConfig } from "vitest/config";

/**
 * Tests run from source: the private export condition resolves every workspace to its `src`.
 * Two workers at most, so that the suite behaves the same on a small machine.
 */
const conditions = ["@berth/source", "node", "import", "default"];
const shared = {
  environment: "node",
  include: ["src/**/*.test.ts", "test/**/*.test.ts"],
  passWithNoTests: true,
  pool: "forks",
  maxWorkers: 2,
  // Only to notice what hangs: speed is measured in benchmarks, not here.
  testTimeout: 180_000,
  hookTimeout: 180_000,
  reporters: ["default", ["json", { outputFile: "reports/vitest.json" }]],
} satisfies ViteUserConfig["test"];

/** What a package gives replaces what all share, field by field; lists are not joined. */
export function berthTests(overrides: ViteUserConfig = {}): ViteUserConfig {
  return defineConfig({
    ssr: { resolve: { conditions } },
    resolve: { conditions },
    ...overrides,
    test: { ...shared, ...overrides.test },
  });
}
