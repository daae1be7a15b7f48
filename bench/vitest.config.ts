import { berthTests } from "../vitest.shared.ts";

export default berthTests({ test: { include: ["packing/**/*.test.ts", "log/**/*.test.ts"] } });
