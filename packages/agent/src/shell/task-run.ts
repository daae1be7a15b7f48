import { constants } from "node:os";
import type { AllocationReport, DesiredAllocation, Exit } from "@berth/protocol";
import { Health } from "@berth/protocol";
import type { Clock, Logger, Timer } from "@berth/runtime";
import { exitOfStatus, outcomeOf } from "../core/exit-status.ts";
import type { Phase } from "../core/reconcile.ts";
import {
  type NodeFacts,
  type Resolved,
  taskCommand,
  taskEnvironment,
} from "../core/task-environment.ts";
import { agentLimits, agentTimings } from "../limits.ts";
import type {
  AllocationFolder,
  AllocationRecord,
  FinishedReport,
  RunRecord,
} from "./allocation-folder.ts";
import { CheckRunner } from "./check-runner.ts";
import { isAbsence } from "./durable-file.ts";
import type { ExecEngine } from "./exec/exec-engine.ts";
import { ExecTask } from "./exec/exec-task.ts";
import { describeFailure, isDiskFull } from "./start-failure.ts";
import { refusalToStart, workFolderOf } from "./prestart-checks.ts";
import { markFor, type ProcessTable } from "./process-table.ts";
import { CANNOT_JOIN_STATUS, type ShimOptions, spawnShim } from "./spawn-shim.ts";
import { TaskProcesses } from "./task-processes.ts";
import { TreeReaper } from "./tree-reaper.ts";
import { watchPath } from "./watch-folder.ts";

export interface TaskServices {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly table: ProcessTable;
  /** Null where no task can be started with the driver `exec`. */
  readonly exec: ExecEngine | null;
  /** Something that `report()` or `phase` shows has changed. */
  readonly onChange: (task: TaskRun) => void;
}

interface Ending {
  readonly exit: Exit;
  readonly atUnixMs: number;
  readonly message: string | null;
}

const SIGNAL_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.signals).map(([name, number]) => [number, name]),
);

/**
 * The life of one allocation on this node: prepared → starting → running → (stopping →) finished.
 * The shim's files are the truth; everything here can be dropped at any instant and made again from
 * them (`adopt`). `look` brings this object up to date with them and may be called at any time.
 */
export class TaskRun {
  readonly allocation: DesiredAllocation;
  readonly folder: AllocationFolder;
  readonly processes: TaskProcesses;
  readonly #services: TaskServices;
  readonly #exec: ExecTask;
  readonly #reaper: TreeReaper;
  #phase: Phase = "prepared";
  #startedAtUnixMs: number | null = null;
  #pid: number | null = null;
  #check: CheckRunner | null = null;
  #final: FinishedReport | null = null;
  #watcher: { close(): void } | null = null;
  #timer: Timer | null = null;
  /** Known and not yet reported: the rest of the tree goes first. */
  #ending: Ending | null = null;
  #isToldToStop = false;
  #isSignalled = false;
  /** Another agent may have this task by now: what its shim does is no longer ours to record. */
  #isDetached = false;
  #unsettledSinceMs: number | null = null;

  constructor(
    folder: AllocationFolder,
    clusterId: string,
    allocation: DesiredAllocation,
    services: TaskServices,
  ) {
    this.folder = folder;
    this.allocation = allocation;
    this.processes = new TaskProcesses(services.table, markFor(clusterId, allocation.allocationId));
    this.#services = services;
    this.#exec = new ExecTask({ ...services, folder, allocation, processes: this.processes });
    this.#reaper = new TreeReaper({
      ...services,
      processes: this.processes,
      look: () => this.look(),
      isEndKnown: () => this.#ending !== null,
      onGone: () => {
        if (this.#ending !== null) this.#finish(this.#ending);
      },
      onStubborn: (processes) => {
        const { allocationId } = allocation;
        const fields = { allocation: allocationId, processes };
        services.logger.count(`stubborn ${allocationId}`, "SIGKILL does not end a task", fields);
      },
    });
  }

  get phase(): Phase {
    return this.#phase;
  }

  get startedAtUnixMs(): number | null {
    return this.#startedAtUnixMs;
  }

  /** Null before there is anything to say. */
  report(): AllocationReport | null {
    if (this.#final !== null) return this.#final;
    if (this.#startedAtUnixMs === null) return null;
    return {
      state: "running",
      allocationId: this.allocation.allocationId,
      startedAtUnixMs: this.#startedAtUnixMs,
      pid: this.#pid,
      health: this.#check?.state.health ?? (this.allocation.check === null ? "none" : "starting"),
      message: shortened(this.#check?.state.message ?? null),
    };
  }

  /** Takes up what an earlier agent left: running, ended meanwhile, half started or finished. */
  adopt(record: AllocationRecord): void {
    this.#final = this.folder.readFinal();
    if (this.#final !== null) {
      this.#startedAtUnixMs = this.#final.startedAtUnixMs;
      return this.#changePhase("finished");
    }
    if (record.exec !== undefined) this.#exec.adopt(record.exec);
    const stoppingSinceUnixMs = this.folder.stoppingSinceUnixMs();
    this.#isToldToStop = stoppingSinceUnixMs !== null;
    const run = this.folder.readRun();
    if (record.bootId !== this.#services.table.bootId) {
      this.#endAfterReboot(run);
      return;
    }
    if (run.claim === "none" && !this.#isToldToStop) return;
    this.#phase = "starting";
    this.#watch();
    if (stoppingSinceUnixMs !== null) this.#resumeStop(stoppingSinceUnixMs);
    else this.look();
  }

  /**
   * Starts it, or tries again where an earlier agent's try left no claim. Several shims may be on
   * their way for one allocation: the claim lets one of them run.
   */
  start(node: NodeFacts): void {
    if (this.#phase !== "prepared") return;
    this.#phase = "starting";
    void this.#launch(node).catch((cause: unknown) => {
      this.#endBeforeStart(
        `cannot start: ${describeFailure(cause)}`,
        isDiskFull(cause) ? "disk" : "prestart",
      );
    });
  }

  /** SIGTERM, or the signal the workload asks for, to the whole tree; after the grace SIGKILL. */
  stop(): void {
    if (this.#phase === "finished" || this.#phase === "stopping") return;
    this.#isToldToStop = true;
    this.#changePhase("stopping");
    try {
      this.folder.markStopping();
    } catch (error) {
      this.#services.logger.warn("cannot record that a task is to stop", { error });
    }
    this.#stopWithin(this.allocation.stop.graceMs);
  }

  /** Leaves the task alone from now on; it goes on running. */
  detach(): void {
    this.#isDetached = true;
    this.#watcher?.close();
    this.#watcher = null;
    this.#timer?.cancel();
    this.#reaper.stop();
    this.#check?.stop();
  }

  look(): void {
    if (this.#isDetached) return;
    if (this.#phase === "finished" || this.#phase === "prepared" || this.#ending !== null) return;
    try {
      this.#apply(this.folder.readRun());
    } catch (error) {
      // A disk that fails for a moment must not take the agent, and with it every task, down.
      const { allocationId } = this.allocation;
      this.#services.logger.count(`look ${allocationId}`, "cannot look at a task", { error });
    }
  }

  #apply(run: RunRecord): void {
    if (typeof run.claim === "object") this.processes.shim = run.claim;
    if (run.exit !== null) this.#endWithStatus(run);
    else if (run.claim === "agent") this.#endBeforeStart("it was given up before it started");
    else if (run.claim === "none") return;
    else if (run.claim === "incomplete") this.#waitToSettle("the claim on it was never completed");
    else if (this.#services.table.isAlive(run.claim)) this.#seeRunning(run);
    else this.#lookWithoutShim(run);
  }

  async #launch(node: NodeFacts): Promise<void> {
    const { folder, allocation } = this;
    folder.create();
    const { bootId } = this.#services.table;
    const admitted = this.#exec.admit(node.clusterId);
    const record = {
      v: 1 as const,
      clusterId: node.clusterId,
      bootId,
      allocation,
      ...(admitted.ok && admitted.value !== null ? { exec: admitted.value } : {}),
    };
    // Whatever is wrong with the task, its record goes first: the refusal is final as well.
    const recorded = folder.writeRecord(record);
    const prepared = this.#prepare(node);
    // While the disk is waited for: without a record nothing is started in it, and it is swept away.
    const groupRefusal = admitted.ok ? this.#exec.make(node.clusterId) : null;
    const [launch] = await Promise.all([prepared, recorded]);
    if (!admitted.ok) return this.#endBeforeStart(admitted.refusal.message);
    if (groupRefusal !== null) return this.#endBeforeStart(groupRefusal.message);
    if (!launch.ok) return this.#endBeforeStart(launch.refusal.message);
    if (this.#isToldToStop || this.#isDetached) return; // `stop` has taken the claim
    this.#watch();
    const joinFiles = this.processes.group?.cgroup.joinFiles ?? [];
    const shim = spawnShim({ folder, joinFiles, ...launch.value });
    shim.once("error", (cause) =>
      this.#endBeforeStart(`cannot start a process: ${describeFailure(cause)}`),
    );
    shim.once("exit", () => this.#lookAfterShim());
  }

  async #prepare(node: NodeFacts): Promise<Resolved<Omit<ShimOptions, "folder" | "joinFiles">>> {
    const { folder, allocation } = this;
    const folders = { home: folder.taskPath, temporary: folder.temporaryPath };
    const environment = taskEnvironment(allocation, node, folders);
    if (!environment.ok) return environment;
    const command = taskCommand(allocation, environment.value);
    if (!command.ok) return command;
    const workFolder = workFolderOf(allocation, folder.taskPath);
    const refusal = await refusalToStart(allocation, command.value, environment.value, workFolder);
    if (refusal !== null) return { ok: false, refusal };
    return {
      ok: true,
      value: { command: command.value, environment: environment.value, workFolder },
    };
  }

  /** A shim of ours has ended. Without a claim it could not even create a file. */
  #lookAfterShim(): void {
    if (this.#isDetached) return;
    this.look();
    if (this.#phase === "starting" && this.folder.readRun().claim === "none") {
      this.#endBeforeStart("its shim could not record the start; is the disk full?");
    }
  }

  #watch(): void {
    if (this.#isDetached || this.#watcher !== null) return;
    const { clock } = this.#services;
    this.#watcher = watchPath(this.folder.runPath, clock, agentTimings.watchFallbackMs, () =>
      this.look(),
    );
  }

  #seeRunning(run: RunRecord): void {
    if (run.child === null || run.startedAtUnixMs === null) return;
    if (this.#startedAtUnixMs !== null) return;
    this.#startedAtUnixMs = run.startedAtUnixMs;
    this.#pid = run.child.pid;
    this.processes.remember([run.child]);
    if (this.#phase === "starting") {
      this.#startCheck(run.startedAtUnixMs);
      this.#changePhase("running");
    } else {
      this.#signalStop();
    }
  }

  #startCheck(startedAtUnixMs: number): void {
    const { check, granted } = this.allocation;
    if (check === null) return;
    const known = Health.safeParse(this.folder.readHealth());
    this.#check = new CheckRunner({
      check,
      ports: granted.ports,
      startedAtUnixMs,
      known: known.success ? known.data : null,
      clock: this.#services.clock,
      onChange: ({ health }) => {
        try {
          this.folder.writeHealth(health);
        } catch (error) {
          this.#services.logger.count("health", "cannot record a task's health", { error });
        }
        this.#services.onChange(this);
      },
    });
  }

  /** Somebody has killed the shim: the task may live on, but nobody will learn how it ends. */
  #lookWithoutShim(run: RunRecord): void {
    const settled = this.folder.readRun(); // it may have recorded the end between two reads
    if (settled.exit !== null) return this.#endWithStatus(settled);
    if (run.child === null) return this.#waitToSettle("its shim ended before it started");
    this.#seeRunning(run);
    if (this.#services.table.isAlive(run.child)) {
      this.#lookAgainIn(agentTimings.orphanLookMs);
      return;
    }
    const message = "its shim was killed, so nobody saw how it ended";
    this.#end({ kind: "unknown", message }, this.#services.clock.nowUnixMs(), null);
  }

  /** For a state that lasts a moment in a healthy system. */
  #waitToSettle(message: string): void {
    const nowMs = this.#services.clock.monotonicMs();
    this.#unsettledSinceMs ??= nowMs;
    const isOver = nowMs - this.#unsettledSinceMs >= agentTimings.claimSettleMs;
    if (isOver && this.processes.isGone()) this.#endBeforeStart(message);
    else this.#lookAgainIn(agentTimings.watchFallbackMs);
  }

  #lookAgainIn(delayMs: number): void {
    if (this.#reaper.isActive) return; // it looks as well
    this.#timer?.cancel();
    this.#timer = this.#services.clock.after(delayMs, () => this.look());
  }

  #resumeStop(sinceUnixMs: number): void {
    this.#phase = "stopping";
    const elapsedMs = Math.max(0, this.#services.clock.nowUnixMs() - sinceUnixMs);
    this.#stopWithin(Math.max(0, this.allocation.stop.graceMs - elapsedMs));
  }

  #stopWithin(graceMs: number): void {
    this.#check?.stop();
    if (this.#claimForStop()) return this.#endBeforeStart("it was stopped before it started");
    this.#reaper.killAfter(graceMs);
    this.look();
    this.#signalStop();
  }

  /** Once, and not before the task is there to receive it. */
  #signalStop(): void {
    if (this.#isSignalled || this.#pid === null || this.#ending !== null) return;
    this.#isSignalled = true;
    this.processes.signal(this.allocation.stop.signal);
  }

  #claimForStop(): boolean {
    try {
      return this.folder.tryClaim();
    } catch (cause) {
      // Not even the folder is there: nothing can have been started.
      return isAbsence(cause);
    }
  }

  #endWithStatus(run: RunRecord): void {
    if (run.exit === null) return;
    if (run.child === null && run.exit.status === CANNOT_JOIN_STATUS) {
      return this.#endBeforeStart("the kernel did not let it into its control group");
    }
    if (run.child === null) {
      return this.#endBeforeStart("its shim could not record the start; is the disk full?");
    }
    this.#startedAtUnixMs ??= run.startedAtUnixMs;
    this.#pid ??= run.child.pid;
    this.#end(exitOfStatus(run.exit.status, SIGNAL_NAMES), run.exit.atUnixMs, null);
  }

  #endAfterReboot(run: RunRecord): void {
    this.#startedAtUnixMs = run.startedAtUnixMs;
    if (run.exit !== null && run.child !== null) {
      const exit = this.#exec.named(exitOfStatus(run.exit.status, SIGNAL_NAMES));
      return this.#finish({ exit, atUnixMs: run.exit.atUnixMs, message: null });
    }
    const message = "the node restarted while it ran";
    const outcome = this.#isToldToStop ? "stopped" : "lost";
    const atUnixMs = this.#services.clock.nowUnixMs();
    this.#finish({ exit: { kind: "unknown", message }, atUnixMs, message }, outcome);
  }

  #endBeforeStart(message: string, kind: "prestart" | "disk" = "prestart"): void {
    if (this.#isDetached || this.#phase === "finished" || this.#ending !== null) return;
    if (!this.#mayDeclareUnstarted()) return this.look();
    const text = shortened(message) ?? "";
    const atUnixMs = this.#services.clock.nowUnixMs();
    const ending: Ending = { exit: { kind, message: text }, atUnixMs, message: text };
    if (this.processes.release()) return this.#finish(ending);
    this.#ending = ending;
    this.#reaper.killAfter(0);
  }

  /** A failure to start is final only when no shim can still come along and start it. */
  #mayDeclareUnstarted(): boolean {
    const { claim, child } = this.folder.readRun();
    if (claim === "agent") return true;
    if (claim !== "none") return child === null;
    try {
      return this.folder.tryClaim() || this.folder.readRun().claim === "agent";
    } catch {
      return true; // a folder that we cannot write, its shim cannot either
    }
  }

  /** The main process has ended; what is left of its tree is ended too, then it is reported. */
  #end(exit: Exit, atUnixMs: number, message: string | null): void {
    this.#check?.stop();
    this.#ending = { exit: this.#exec.named(exit), atUnixMs, message };
    if (this.processes.isGone()) return this.#finish(this.#ending);
    if (!this.#isToldToStop) this.processes.signal("SIGTERM");
    this.#reaper.killAfter(agentTimings.leftoverGraceMs);
  }

  #finish(ending: Ending, outcome = outcomeOf(ending.exit, this.#isToldToStop)): void {
    this.detach();
    this.processes.release();
    this.#final = {
      state: "finished",
      allocationId: this.allocation.allocationId,
      outcome,
      exit: ending.exit,
      startedAtUnixMs: this.#startedAtUnixMs,
      finishedAtUnixMs: ending.atUnixMs,
      message: ending.message,
    };
    try {
      this.folder.writeFinal(this.#final);
    } catch (error) {
      // The run's files say the same; without them it is as if it had never been started.
      this.#services.logger.warn("cannot record the end of a task", { error });
    }
    this.#changePhase("finished");
  }

  #changePhase(phase: Phase): void {
    this.#phase = phase;
    this.#services.onChange(this);
  }
}

function shortened(message: string | null): string | null {
  const { messageLengthMax } = agentLimits;
  if (message === null || message.length <= messageLengthMax) return message;
  return `${message.slice(0, messageLengthMax - 1)}…`;
}
