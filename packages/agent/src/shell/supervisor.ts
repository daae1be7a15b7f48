import path from "node:path";
import {
  AllocationId,
  type AllocationReport,
  type ClusterId,
  type DesiredAllocation,
} from "@berth/protocol";
import type { Clock, Logger } from "@berth/runtime";
import type { DesiredAllocations } from "../core/desired-state.ts";
import { type Observed, reconcile } from "../core/reconcile.ts";
import type { NodeFacts } from "../core/task-environment.ts";
import { agentLimits } from "../limits.ts";
import { AllocationFolder, type FinishedReport } from "./allocation-folder.ts";
import type { ExecEngine } from "./exec/exec-engine.ts";
import { FinishedFolders } from "./finished-folders.ts";
import { markFor, type ProcessTable } from "./process-table.ts";
import type { StateFolder } from "./state-folder.ts";
import { TaskProcesses } from "./task-processes.ts";
import { TaskRun, type TaskServices } from "./task-run.ts";

export interface SupervisorOptions {
  readonly state: StateFolder;
  readonly table: ProcessTable;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Null: tasks with the driver `exec` are looked after, and none is started. */
  readonly exec: ExecEngine | null;
  /** What tasks are told of the node; null when nothing is ever started. */
  readonly nodeFacts: Omit<NodeFacts, "clusterId"> | null;
  /** There is something new to report. */
  readonly onReport: (report: AllocationReport) => void;
}

interface Lost {
  readonly report: FinishedReport;
  isAcknowledged: boolean;
}

/** Every allocation of this node: keeps what runs in line with what is desired. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #tasks = new Map<AllocationId, TaskRun>();
  /** Allocations whose records are gone or could not be read. Never started again. */
  readonly #lost = new Map<AllocationId, Lost>();
  readonly #finishedFolders: FinishedFolders;
  readonly #finishListeners = new Set<(allocationId: AllocationId) => void>();
  #clusterId: ClusterId | null = null;
  #desired: DesiredAllocations | null = null;
  #isReconcileDue = false;
  #isClosed = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#finishedFolders = new FinishedFolders(options.state, options.logger);
  }

  get tasks(): ReadonlyMap<AllocationId, TaskRun> {
    return this.#tasks;
  }

  /** Takes up everything in the state folder. Called once, before anything else. */
  load(membershipClusterId: ClusterId | null): void {
    this.#clusterId = membershipClusterId;
    for (const name of this.#options.state.allocationNames()) {
      if (!AllocationId.safeParse(name).success) continue;
      this.#loadOne(name as AllocationId);
    }
    this.#options.exec?.sweep();
  }

  /** The cluster whose allocations these are: part of their marks. */
  join(clusterId: ClusterId): void {
    this.#clusterId = clusterId;
  }

  setDesired(desired: DesiredAllocations | null): void {
    this.#desired = desired;
    this.#reconcile();
  }

  /** What the leader should know: all that run, and the ends it has not acknowledged. */
  reports(): AllocationReport[] {
    const reports: AllocationReport[] = [];
    for (const { report, isAcknowledged } of this.#lost.values()) {
      if (!isAcknowledged) reports.push(report);
    }
    for (const task of this.#tasks.values()) {
      const report = task.report();
      if (report !== null && !this.#isAcknowledged(task)) reports.push(report);
    }
    return reports;
  }

  /** The leader believes that these run here: says what became of each. */
  account(ids: readonly AllocationId[]): void {
    for (const id of ids) {
      const task = this.#tasks.get(id);
      const report = task === undefined ? this.#lostReport(id) : task.report();
      if (report !== null) this.#options.onReport(report);
    }
  }

  runningCount(): number {
    let running = 0;
    for (const { phase } of this.#tasks.values()) {
      if (phase === "running" || phase === "stopping") running += 1;
    }
    return running;
  }

  /** The leader has this end in its log; the record may go when its turn comes. */
  acknowledge(report: AllocationReport): void {
    if (report.state !== "finished") return;
    const lost = this.#lost.get(report.allocationId);
    if (lost !== undefined) lost.isAcknowledged = true;
    const task = this.#tasks.get(report.allocationId);
    if (task === undefined) return;
    try {
      task.folder.markReported();
    } catch (error) {
      this.#options.logger.count("reported", "cannot record an acknowledgement", { error });
    }
    this.#finishedFolders.acknowledged(report.allocationId);
  }

  onFinish(listen: (allocationId: AllocationId) => void): { unsubscribe(): void } {
    this.#finishListeners.add(listen);
    return { unsubscribe: () => void this.#finishListeners.delete(listen) };
  }

  /** The safety net under the watches. */
  lookAtAll(): void {
    for (const task of this.#tasks.values()) task.look();
  }

  /** Deletes finished folders beyond the limits. Does nothing while it is unknown what is desired. */
  async collect(): Promise<void> {
    if (this.#desired === null || this.#isClosed) return;
    const desired = this.#desired;
    for (const [id, { isAcknowledged }] of this.#lost) {
      if (isAcknowledged && !desired.has(id)) this.#lost.delete(id);
    }
    const removed = await this.#finishedFolders.collect((id) => !desired.has(id));
    for (const id of removed) this.#tasks.delete(id);
  }

  /** Stops every task, whatever is desired; resolves when all have finished. */
  async stopAll(): Promise<number> {
    this.#desired = null;
    const running = [...this.#tasks.values()].filter(({ phase }) => phase !== "finished");
    const finished = new Promise<void>((resolve) => {
      const check = () => {
        if (running.every(({ phase }) => phase === "finished")) resolve();
      };
      this.onFinish(check);
      for (const task of running) task.stop();
      check();
    });
    await finished;
    return running.length;
  }

  /** Lets go of every task; they go on running. */
  close(): void {
    this.#isClosed = true;
    for (const task of this.#tasks.values()) task.detach();
  }

  #reconcile(): void {
    if (this.#isClosed) return;
    const observed = new Map<AllocationId, Observed>();
    for (const [id, { phase, allocation }] of this.#tasks) {
      observed.set(id, { phase, granted: allocation.granted });
    }
    for (const id of this.#lost.keys()) observed.set(id, { phase: "finished", granted: null });
    for (const action of reconcile(this.#desired, observed, agentLimits.concurrentStartsMax)) {
      if (action.kind === "stop") this.#tasks.get(action.allocationId)?.stop();
      else this.#start(action.allocation);
    }
  }

  /** Once for all that changes in this turn of the event loop: a start may have waited for it. */
  #reconcileSoon(): void {
    if (this.#isReconcileDue) return;
    this.#isReconcileDue = true;
    setImmediate(() => {
      this.#isReconcileDue = false;
      this.#reconcile();
    });
  }

  #start(allocation: DesiredAllocation): void {
    const clusterId = this.#clusterId;
    const { nodeFacts } = this.#options;
    if (clusterId === null || nodeFacts === null) return;
    let task = this.#tasks.get(allocation.allocationId);
    if (task === undefined) {
      const folder = new AllocationFolder(this.#pathOf(allocation.allocationId));
      task = new TaskRun(folder, clusterId, allocation, this.#services());
      this.#tasks.set(allocation.allocationId, task);
    }
    task.start({ ...nodeFacts, clusterId });
  }

  #loadOne(id: AllocationId): void {
    const { state, table, logger } = this.#options;
    const folder = new AllocationFolder(this.#pathOf(id));
    const record = folder.readRecord();
    if (record === "absent") {
      state.moveToTrash(folder.path); // its making was interrupted before anything was started
      return;
    }
    if (record === "corrupt" || record.allocation.allocationId !== id) {
      this.#quarantine(id, folder);
      return;
    }
    const task = new TaskRun(folder, record.clusterId, record.allocation, this.#services());
    this.#tasks.set(id, task);
    task.adopt(record);
    logger.debug("adopted", { allocation: id, phase: task.phase, bootId: table.bootId });
  }

  /**
   * Without its record a task can be neither checked nor stopped as it should be: it is killed, and
   * its folder is put aside for people to look at.
   */
  #quarantine(id: AllocationId, folder: AllocationFolder): void {
    const { state, table, logger, clock } = this.#options;
    const aside = `${folder.path}.${clock.nowUnixMs()}.corrupt`;
    const message = `its record could not be read; the folder is kept as ${path.basename(aside)}`;
    if (this.#clusterId !== null) {
      const processes = new TaskProcesses(table, markFor(this.#clusterId, id));
      const { claim } = folder.readRun();
      // The shim dies too: nothing reads what it would record.
      if (typeof claim === "object") processes.remember([claim]);
      processes.signal("SIGKILL");
    }
    try {
      state.moveAside(folder.path, aside);
    } catch (error) {
      logger.error("cannot put a corrupt record aside", { error, allocation: id });
    }
    logger.error("the record of an allocation is corrupt", { allocation: id, folder: aside });
    this.#lose(id, message);
  }

  #lostReport(id: AllocationId): FinishedReport {
    return this.#lost.get(id)?.report ?? this.#lose(id, "the agent has no record of it");
  }

  #lose(id: AllocationId, message: string): FinishedReport {
    const report: FinishedReport = {
      state: "finished",
      allocationId: id,
      outcome: "lost",
      exit: { kind: "unknown", message },
      startedAtUnixMs: null,
      finishedAtUnixMs: this.#options.clock.nowUnixMs(),
      message,
    };
    this.#lost.set(id, { report, isAcknowledged: false });
    return report;
  }

  #services(): TaskServices {
    const { clock, logger, table, exec } = this.#options;
    return { clock, logger, table, exec, onChange: (task) => this.#taskChanged(task) };
  }

  #taskChanged(task: TaskRun): void {
    const report = task.report();
    if (report?.state === "finished") {
      this.#finishedFolders.add(task.folder, report, task.folder.isReported());
    }
    if (report !== null && !this.#isAcknowledged(task)) this.#options.onReport(report);
    if (task.phase === "finished") {
      for (const listen of this.#finishListeners) listen(task.allocation.allocationId);
    }
    this.#reconcileSoon();
  }

  #isAcknowledged(task: TaskRun): boolean {
    return this.#finishedFolders.isAcknowledged(task.allocation.allocationId);
  }

  #pathOf(id: AllocationId): string {
    return path.join(this.#options.state.allocationsPath, id);
  }
}
