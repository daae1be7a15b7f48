import { berthTests } from "../../vitest.shared.ts";

/** Needs the built packages: it runs the simulation as the program that people run. */
export default berthTests({ test: { include: ["test/**/*.integration.ts"] } });
