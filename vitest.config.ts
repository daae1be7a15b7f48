import { berthTests } from "./vitest.shared.ts";

/** The tests of the repository as a whole; packages have their own. */
export default berthTests({ test: { include: ["scripts/**/*.test.ts", "deploy/**/*.test.ts"] } });
