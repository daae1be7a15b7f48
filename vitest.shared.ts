import { defineConfig, mergeConfig, type ViteUserConfig } from "vitest/config";

/**
 * Tests run from source: the private export condition resolves every workspace to its `src`.
 * Two workers at most, so that the suite behaves the same on a small machine.
 */
const shared = defineConfig({
  ssr: { resolve: { conditions: ["@berth/source", "node", "import", "default"] } },
  resolve: { conditions: ["@berth/source", "node", "import", "default"] },
  test: {
    environment: "node",
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    passWithNoTests: true,
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    reporters: ["default", ["json", { outputFile: "reports/vitest.json" }]],
  },
});

export function berthTests(overrides: ViteUserConfig = {}): ViteUserConfig {
  return mergeConfig(shared, overrides);
}
