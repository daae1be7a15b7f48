// Run by run-service.test.ts as a process of its own, from the built package.
import { createLogger, runService } from "../dist/node/index.js";

const logger = createLogger({ name: "fixture", format: "json" });
const behaviour = process.argv[2];

await runService({ logger, stopTimeoutMs: 200 }, async (stop) => {
  console.log("ready");
  if (behaviour === "throw") throw new Error("main failed");
  if (behaviour === "reject-elsewhere") void Promise.reject(new Error("nobody caught this"));
  await new Promise((resolve) => {
    const alive = setInterval(() => {}, 1_000);
    stop.addEventListener("abort", () => {
      if (behaviour === "hang") return;
      clearInterval(alive);
      resolve(null);
    });
  });
});
