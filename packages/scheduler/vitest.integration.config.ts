import { berthTests } from "../../vitest.shared.ts";

/** Needs the built packages: it runs the scheduler as the process that people run. */
export default berthTests({ test: { include: ["test/**/*.integration.ts"] } });
