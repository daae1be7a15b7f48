import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { AllocationId, AllocationReport, ClusterId, DesiredAllocation } from "@berth/protocol";
import { NodeId, NodeName } from "@berth/protocol";
import { memoryLogger, type MemoryLogger } from "@berth/runtime/memory";
import { nodeClock, nodeRandom } from "@berth/runtime/node";
import { ExecEngine, type ExecEngineOptions } from "../../src/shell/exec/exec-engine.ts";
import type { FinishedReport } from "../../src/shell/allocation-folder.ts";
import { ProcessTable } from "../../src/shell/process-table.ts";
import { StateFolder } from "../../src/shell/state-folder.ts";
import { Supervisor } from "../../src/shell/supervisor.ts";
import type { TaskRun } from "../../src/shell/task-run.ts";
import { desiredSet } from "./desired-allocation.ts";
import { until } from "./until.ts";

export const NODE_ID = NodeId.parse(`U${"A".repeat(55)}`);

/** A node's id that no other test has. */
export function anyNodeId(): NodeId {
  return NodeId.parse(
    `U${nodeRandom
      .token(55)
      .toUpperCase()
      .replaceAll(/[^A-Z2-7]/g, "A")}`,
  );
}

/**
 * A node without its network: state folder and supervisor, with real processes. `restart` drops
 * every object and makes them again from the folder, which is what a killed agent's successor does.
 */
export class TestHost {
  readonly folder = mkdtempSync(path.join(tmpdir(), "berth-agent-"));
  readonly clusterId = `c${nodeRandom.token(16)}` as ClusterId;
  readonly table = new ProcessTable();
  readonly logger: MemoryLogger = memoryLogger();
  reports: AllocationReport[] = [];
  #state: StateFolder;
  #supervisor: Supervisor;

  readonly #nodeId = anyNodeId();
  readonly #execOptions: Partial<ExecEngineOptions> | null;
  #exec: ExecEngine | null = null;

  /** With the driver `exec` where asked for: its control groups are named after a node of its own. */
  constructor(options: { readonly exec?: Partial<ExecEngineOptions> } = {}) {
    this.#execOptions = options.exec ?? null;
    this.#state = StateFolder.open(this.folder, this.table);
    this.#supervisor = this.#supervise(this.#state);
  }

  get supervisor(): Supervisor {
    return this.#supervisor;
  }

  get exec(): ExecEngine | null {
    return this.#exec;
  }

  get state(): StateFolder {
    return this.#state;
  }

  desire(...allocations: readonly DesiredAllocation[]): void {
    this.#supervisor.setDesired(desiredSet(...allocations));
  }

  /** Lets go of everything without a word to the tasks. */
  release(): void {
    this.#supervisor.close();
    this.#state.close();
  }

  restart(): void {
    this.release();
    this.restartReleased();
  }

  restartReleased(): void {
    this.reports = [];
    this.#state = StateFolder.open(this.folder, this.table);
    this.#supervisor = this.#supervise(this.#state);
  }

  task(id: string): TaskRun {
    const task = this.#supervisor.tasks.get(id as AllocationId);
    if (task === undefined) throw new Error(`no task ${id}`);
    return task;
  }

  /** The pid of the task's main process, once it runs. */
  async running(id = "a1"): Promise<number> {
    await until(
      `${id} runs`,
      () => this.#supervisor.tasks.get(id as AllocationId)?.phase === "running",
    );
    const report = this.task(id).report();
    if (report?.state !== "running" || report.pid === null) throw new Error(`${id} has no pid`);
    return report.pid;
  }

  async finished(id = "a1", timeoutMs = 60_000): Promise<FinishedReport> {
    const find = () =>
      this.reports.find(
        (report): report is FinishedReport =>
          report.state === "finished" && report.allocationId === id,
      );
    await until(`${id} finishes`, () => find() !== undefined, timeoutMs);
    return find() as FinishedReport;
  }

  /** What the task has written so far. */
  output(id = "a1", stream: "stdout" | "stderr" = "stdout"): string {
    const file = path.join(this.task(id).folder.logsPath, `${stream}.log`);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }

  async outputHas(text: string, id = "a1"): Promise<void> {
    await until(`${id} writes ${text}`, () => this.output(id).includes(text));
  }

  /** Living processes that carry this host's mark, shims included. */
  leftPids(): number[] {
    const { rows, markOf } = this.table.snapshot();
    return rows
      .filter((row) => row.state !== "Z" && markOf(row)?.startsWith(`${this.clusterId}/`))
      .map(({ pid }) => pid);
  }

  /** Ends whatever a test has left and removes the folder. */
  async dispose(): Promise<void> {
    this.release();
    for (const pid of this.leftPids()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // Gone already.
      }
    }
    await until("nothing is left running", () => this.leftPids().length === 0);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #supervise(state: StateFolder): Supervisor {
    const world = { nodeId: this.#nodeId, clock: nodeClock, logger: this.logger };
    const options = this.#execOptions;
    this.#exec = options === null ? null : new ExecEngine({ ...world, ...options });
    const supervisor = new Supervisor({
      state,
      table: this.table,
      exec: this.#exec,
      clock: nodeClock,
      logger: this.logger,
      nodeFacts: {
        nodeId: NODE_ID,
        nodeName: NodeName.parse("r1-s01"),
        meta: { "zone.name": "b" },
      },
      onReport: (report) => void this.reports.push(report),
    });
    supervisor.load(this.clusterId);
    return supervisor;
  }
}
