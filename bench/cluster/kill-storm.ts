import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cluster, identify, isAlive, type Part, until } from "@berth/e2e";
import { machine, numberArgument, print, progress } from "./statistics.ts";

/**
 * kill -9 of each part and of the whole tree, many times, while submissions go on. Afterwards every
 * acknowledged submission must be there, and every long-running task must be the process it was.
 */
const kills = numberArgument("kills", 10);
const LONG_RUNNING = 5;
const folder = mkdtempSync(join(tmpdir(), "berth-bench-kills-"));
const cluster = new Cluster();
const acknowledged = new Set<string>();
const refused: string[] = [];
let submitting = true;
try {
  await cluster.start("--no-examples");
  const before = await startLongRunning();
  const load = submitUntilTold();
  const recoveries: Record<string, number[]> = {};
  for (const victim of ["agent", "scheduler", "gateway", "nats", "everything"] as const) {
    for (let round = 0; round < kills; round += 1) {
      const tookMs = await killAndRecover(victim);
      (recoveries[victim] ??= []).push(Math.round(tookMs));
      progress(`${victim} ${round + 1}/${kills}: back after ${Math.round(tookMs)} ms`);
    }
  }
  submitting = false;
  await load;
  const lost = await missingWorkloads();
  const restarted = before.filter((process) => !isAlive(process)).length;
  const doubled = await countDoubled();
  print({
    benchmark: "kill-storm",
    machine: machine(),
    kills: kills * 5,
    recoveriesMs: recoveries,
    acknowledged: acknowledged.size,
    unanswered: refused.length,
    lost: lost.length,
    restarted,
    doubled,
  });
  process.exitCode = lost.length + restarted + doubled === 0 ? 0 : 1;
} finally {
  submitting = false;
  await cluster.destroy();
  rmSync(folder, { recursive: true, force: true });
}

async function startLongRunning() {
  const file = join(folder, "long.json");
  writeFileSync(
    file,
    JSON.stringify({
      kind: "service",
      name: "long",
      count: LONG_RUNNING,
      task: { command: ["/bin/sleep", "100000"] },
      resources: { cpu: "10m", memory: "8MiB" },
    }),
  );
  const applied = await cluster.berth("apply", file, "--wait");
  if (applied.exitCode !== 0) throw new Error(applied.stderr);
  const running = await cluster.running("long");
  return running.map(({ id, pid }) => {
    const process = pid === null ? null : identify(pid);
    if (process === null) throw new Error(`${id} has no process`);
    return process;
  });
}

/** Submissions one after the other; only what was answered with success counts as acknowledged. */
async function submitUntilTold(): Promise<void> {
  for (let number = 0; submitting; number += 1) {
    const name = `load-${number}`;
    const file = join(folder, `${name}.json`);
    writeFileSync(
      file,
      JSON.stringify({
        kind: "batch",
        name,
        task: { command: ["/bin/true"] },
        resources: { cpu: "10m", memory: "8MiB" },
      }),
    );
    const applied = await cluster.berth("apply", file, "--json");
    if (applied.exitCode === 0) acknowledged.add(name);
    else refused.push(name);
  }
}

async function killAndRecover(victim: Part | "everything"): Promise<number> {
  const startedAt = performance.now();
  if (victim === "everything") {
    await cluster.killEverything();
    await cluster.start("--no-examples");
    return performance.now() - startedAt;
  }
  const killed = cluster.kill(victim);
  await until(`${victim} is back`, async () => {
    const now = cluster.part(victim);
    if (now === null || now.startTicks === killed.startTicks) return false;
    const status = await cluster.status();
    if (victim === "gateway") {
      const answer = await fetch(new URL("/readyz", cluster.file().consoleUrl));
      if (!answer.ok) return false;
    }
    return status.ready && status.nodes.ready === 1;
  });
  return performance.now() - startedAt;
}

async function missingWorkloads(): Promise<string[]> {
  const { workloads } = await cluster.json<{ workloads: { name: string }[] }>("ls");
  const known = new Set(workloads.map(({ name }) => name));
  return [...acknowledged].filter((name) => !known.has(name));
}

async function countDoubled(): Promise<number> {
  const running = await cluster.running("long");
  const indexes = new Set(running.map(({ index }) => index));
  const sleeping = cluster.taskProcesses().length;
  // A shim and its task for each index, and nothing else.
  return running.length - indexes.size + Math.max(0, sleeping - 2 * LONG_RUNNING);
}
