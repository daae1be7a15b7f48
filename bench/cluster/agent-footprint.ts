import { Cluster, processUsage, until } from "@berth/e2e";
import { machine, numberArgument, print, rounded } from "./statistics.ts";

/** What the agent costs its server while nothing happens: memory, and its share of one core. */
const seconds = numberArgument("seconds", 60);
const cluster = new Cluster();
try {
  await cluster.start("--no-examples");
  const agent = cluster.part("agent");
  if (agent === null) throw new Error("the agent is not running");
  await settled(agent.pid);
  const before = processUsage(agent.pid);
  const startedAt = performance.now();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const after = processUsage(agent.pid);
  const elapsedMs = performance.now() - startedAt;
  if (before === null || after === null) throw new Error("the agent has gone");
  print({
    benchmark: "agent-footprint",
    machine: machine(),
    seconds,
    rssMB: rounded(after.residentMiB * 1.048576),
    idleCpuPercent: rounded(((after.cpuMs - before.cpuMs) / elapsedMs) * 100, 2),
  });
} finally {
  await cluster.destroy();
}

/** The start-up's inventory is over once a second passes with next to no work. */
async function settled(pid: number): Promise<void> {
  let last = processUsage(pid)?.cpuMs ?? 0;
  await until(
    "the agent is idle",
    () => {
      const now = processUsage(pid)?.cpuMs ?? 0;
      const isIdle = now - last <= 20;
      last = now;
      return isIdle;
    },
    { intervalMs: 1_000 },
  );
}
