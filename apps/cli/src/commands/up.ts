import { join } from "node:path";
import { ClusterClient } from "../cluster/cluster-client.ts";
import type { ClusterFile } from "../cluster/cluster-file.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { counted } from "../output/format-values.ts";
import type { NodeFlags } from "../program/options.ts";
import { EmbeddedCluster } from "../up/embedded-cluster.ts";
import { lockHome } from "../up/home-lock.ts";
import { LiveLines } from "../output/live-lines.ts";
import { reportError } from "../output/report-error.ts";
import { showLiveStatus } from "../up/live-status.ts";
import { submitExamples } from "../up/submit-examples.ts";
import { runDetached } from "../up/run-detached.ts";
import { watchForEnd } from "../up/watch-for-end.ts";
import { whenReady } from "../up/when-ready.ts";

export interface UpOptions extends NodeFlags {
  readonly detach?: true;
  readonly port?: number;
  readonly natsPort?: number;
  readonly taskPorts?: { readonly from: number; readonly to: number };
  readonly replicas?: 1 | 3;
  readonly retention?: number;
  readonly examples: boolean;
  readonly stopTasks?: true;
}

const READY_TIMEOUT_MS = 60_000;

/** `berth up`: in the foreground until told to end, or with `--detach` until it is ready. */
export async function up(context: Context, options: UpOptions): Promise<ExitCode> {
  if (options.detach) return runDetached(context);
  const { home } = context;
  const end = watchForEnd();
  const lines = new LiveLines(context.terminal.notes);
  const lock = await lockHome(home);
  try {
    const cluster = await EmbeddedCluster.start({
      home,
      consolePort: options.port,
      natsPort: options.natsPort,
      taskPorts: options.taskPorts,
      replicas: options.replicas,
      retentionMs: options.retention,
      node: options,
      say: (line) => {
        lines.end();
        context.note(line);
      },
    });
    try {
      await makeReady(context, cluster, options, end.signal);
      end.reportReady();
      if (context.terminal.notes.isTerminal) await showLiveStatus(home, lines, end.signal);
      else await end.asked;
    } catch (error) {
      if (!end.signal.aborted) throw error;
    } finally {
      await shutDown(context, cluster, options);
    }
  } finally {
    await lock.release();
  }
  return exitCodes.done;
}

async function makeReady(
  context: Context,
  cluster: EmbeddedCluster,
  options: UpOptions,
  signal: AbortSignal,
): Promise<void> {
  const client = new ClusterClient(context.home);
  try {
    await whenReady(client, { timeoutMs: READY_TIMEOUT_MS, signal });
    if (!cluster.file.examplesSubmitted) {
      // Once is once: what the user then removes, or never wanted, stays away.
      const isDone = !options.examples || (await offerExamples(context, client));
      await cluster.update({ examplesSubmitted: isDone });
    }
    await cluster.update({ ready: true });
    const { allocations, workloads } = await client.call("cluster.status", {});
    if (context.isJson)
      context.printJson({ ready: true, home: context.home, ...addresses(cluster.file) });
    else printSummary(context, cluster.file, { workloads, running: allocations.running });
  } finally {
    client.close();
  }
}

/** They are a courtesy: a cluster without them is as good, and the next start tries again. */
async function offerExamples(context: Context, client: ClusterClient): Promise<boolean> {
  try {
    const ids = await submitExamples(client);
    context.note(`Submitted the examples: ${ids.join(", ")}`);
    return true;
  } catch (error) {
    context.note("The examples were not submitted:");
    reportError(context.terminal, false, error);
    return false;
  }
}

function addresses({ consoleUrl, natsUrl, ports, replicas }: ClusterFile) {
  return { consoleUrl, natsUrl, ports, replicas };
}

function printSummary(
  context: Context,
  file: ClusterFile,
  { workloads, running }: { workloads: number; running: number },
): void {
  const { out } = context.terminal;
  context.print(
    `${out.paint("green", "Berth is ready.")}  ${counted(workloads, "workload")}, ${running} running`,
  );
  context.print("");
  context.print(`  console   ${out.paint("bold", file.consoleUrl)}`);
  if (file.replicas > 1)
    context.print(`  log       on ${file.replicas} servers, of which one may fail`);
  context.print("  status    npx berth status");
  context.print("  submit    npx berth apply <file> --wait");
  context.print(`  logs      ${join(context.home, "logs")}`);
  context.print("");
  context.print("Ctrl-C stops the cluster; its tasks go on, and the next start finds them.");
}

/** The last lines say what goes on without us. */
async function shutDown(
  context: Context,
  cluster: EmbeddedCluster,
  options: UpOptions,
): Promise<void> {
  const running = await countRunning(context);
  context.note("Stopping.");
  await cluster.stop();
  if (options.stopTasks) {
    const { stopTasks } = await import("../up/stop-tasks.ts");
    const stopped = await stopTasks(context.home);
    context.note(`Stopped ${counted(stopped, "task")}.`);
  } else if (running !== null && running > 0) {
    const go = running === 1 ? "goes" : "go";
    context.note(
      `${counted(running, "task")} ${go} on and will be found by the next \`berth up\`.`,
    );
    context.note("`berth down --tasks` ends them.");
  }
}

async function countRunning(context: Context): Promise<number | null> {
  const client = new ClusterClient(context.home);
  try {
    const { allocations } = await client.call("cluster.status", {}, { deadlineMs: 500 });
    return allocations.running + allocations.stopping;
  } catch {
    return null;
  } finally {
    client.close();
  }
}
