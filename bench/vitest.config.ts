import { berthTests } from "../vitest.shared.ts";

export default berthTests({ test: { include: ["{charts,log,packing,place}/**/*.test.ts"] } });
