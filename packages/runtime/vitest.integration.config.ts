import { berthTests } from "../../vitest.shared.ts";

/** Needs the built package: it runs services as processes of their own. */
export default berthTests({ test: { include: ["test/**/*.integration.ts"] } });
