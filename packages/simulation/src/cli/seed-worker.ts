import { parentPort } from "node:worker_threads";
import { runSeed } from "../run-seed.ts";

/** Runs one seed after another, each when it is told to. */
parentPort?.on("message", (seed: number) => {
  void runSeed(seed).then((result) => parentPort?.postMessage(result));
});
