import { berthTests } from "../../vitest.shared.ts";

export default berthTests();
