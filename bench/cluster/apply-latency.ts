import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cluster } from "@berth/e2e";
import { machine, numberArgument, print, progress, summary } from "./statistics.ts";

/**
 * From `berth apply` to the task's process existing, on the embedded cluster: the clock starts
 * before the command is spawned, so that its own start-up, the connection, the log's acknowledgement,
 * the placement and the agent's fork are all in it. The task's first act is to write the time.
 * Beside each run an empty Node script is timed: no command in Node can be faster on that machine.
 */
const runs = numberArgument("runs", 50);
const folder = mkdtempSync(join(tmpdir(), "berth-bench-apply-"));
const cluster = new Cluster();
try {
  await cluster.start("--no-examples");
  const totals: number[] = [];
  const commands: number[] = [];
  const empties: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const name = `latency-${run}`;
    const mark = join(folder, name);
    const file = join(folder, `${name}.yaml`);
    writeFileSync(file, workloadFile(name, mark));
    writeFileSync(mark, "");
    const written = firstLine(mark);
    const startedAtMs = performance.timeOrigin + performance.now();
    const applied = await cluster.berth("apply", file, "--json");
    if (applied.exitCode !== 0) throw new Error(applied.stdout + applied.stderr);
    totals.push(Number(await written) / 1e6 - startedAtMs);
    commands.push(applied.durationMs);
    await cluster.json("rm", name);
    empties.push(emptyScriptMs());
  }
  print({
    benchmark: "apply-latency",
    machine: machine(),
    applyToProcess: summary(totals),
    command: summary(commands),
    emptyNodeScript: summary(empties),
  });
} finally {
  progress("stopping the cluster");
  await cluster.destroy();
  rmSync(folder, { recursive: true, force: true });
}

function emptyScriptMs(): number {
  const startedAtMs = performance.now();
  spawnSync(process.execPath, ["-e", "0"]);
  return performance.now() - startedAtMs;
}

function workloadFile(name: string, mark: string): string {
  return JSON.stringify({
    kind: "batch",
    name,
    task: { command: ["/bin/sh", "-c", `date +%s%N > ${mark}`] },
    resources: { cpu: "10m", memory: "8MiB" },
  });
}

function firstLine(path: string): Promise<string> {
  return new Promise((resolve) => {
    const watcher = watch(path, () => {
      const text = readFileSync(path, "utf8").trim();
      if (text === "") return;
      watcher.close();
      resolve(text);
    });
  });
}
