import { berthTests } from "../../vitest.shared.ts";

export default berthTests({ test: { include: ["src/**/*.test.ts", "web/**/*.test.ts"] } });
