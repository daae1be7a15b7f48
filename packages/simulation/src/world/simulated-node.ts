import type {
  AllocationId,
  AllocationReport,
  ClusterId,
  DesiredAllocation,
  Fence,
  Health,
  NodeDescription,
} from "@berth/protocol";
import type { DesiredAllocations, Observed } from "@berth/agent/conversation";
import type { Logger, Random } from "@berth/runtime";
import type { Engine } from "./engine.ts";
import { Link } from "./link.ts";
import type { MessageModel } from "./message-model.ts";
import { SimulatedAgent } from "./simulated-agent.ts";
import { type Exit, type Outcome, SimulatedTask, type TaskHabits } from "./simulated-task.ts";
import { ProcessClock, type Timeline } from "./timeline.ts";

/** Why a task ended: what the machine knows, whatever anybody was told. */
export type EndCause = "itself" | "accident" | "stop" | "never started" | "reboot";

/** Sees what really happens on the machines. */
export interface NodeObserver {
  /** A process is about to be there. */
  started(node: SimulatedNode, task: SimulatedTask): void;
  /** The agent asks a task to stop. */
  stopping(node: SimulatedNode, allocationId: AllocationId): void;
  ended(node: SimulatedNode, task: SimulatedTask, cause: EndCause): void;
  /** The agent has taken over a desired state. */
  desired(node: SimulatedNode, fence: Fence, allocations: DesiredAllocations): void;
  /** The agent believes that the leader has this in its log. */
  acknowledged(node: SimulatedNode, report: AllocationReport): void;
  /** The disk is being replaced: everything the machine remembers is about to go. */
  wiped(node: SimulatedNode): void;
}

export interface NodeWorld {
  readonly timeline: Timeline;
  readonly engine: Engine;
  readonly messages: MessageModel;
  readonly random: Random;
  readonly logger: Logger;
  readonly observer: NodeObserver;
  readonly habits: TaskHabits;
}

/** No longer than it takes to report that it has begun. */
const HASTY_MS_MAX = 5;

export interface Membership {
  readonly clusterId: ClusterId;
  readonly fence: Fence | null;
}

/**
 * A server: a disk, processes, and an agent that comes and goes. The agent's conversation with the
 * leader and its reconciliation are the production code; processes and disk are modelled.
 */
export class SimulatedNode {
  readonly description: NodeDescription;
  readonly tasks = new Map<AllocationId, SimulatedTask>();
  readonly world: NodeWorld;
  /** Nothing new can be recorded. */
  isDiskFull = false;
  private onDisk: Membership | null = null;
  private boots = 1;
  private starts = 0;
  private agent: SimulatedAgent | null = null;
  private machine: ProcessClock;

  constructor(description: NodeDescription, world: NodeWorld) {
    this.description = description;
    this.world = world;
    this.machine = new ProcessClock(world.timeline);
  }

  get id() {
    return this.description.nodeId;
  }

  get name(): string {
    return this.description.name;
  }

  get link(): Link | null {
    return this.agent?.link ?? null;
  }

  get hasAgent(): boolean {
    return this.agent !== null;
  }

  get bootId(): string {
    return `boot-${this.boots}`;
  }

  get membership(): Membership | null {
    return this.onDisk;
  }

  /** What it has not ended, whether or not there is a process yet. */
  unfinishedIds(): AllocationId[] {
    return [...this.tasks].flatMap(([id, { phase }]) => (phase === "finished" ? [] : [id]));
  }

  /** Every process there is: those of tasks nobody wants any more, too. */
  *processes(): Generator<SimulatedTask> {
    for (const task of this.tasks.values()) if (task.isAlive) yield task;
  }

  /** As its agent sees it now; null where there is nothing to see. */
  healthOf(id: AllocationId): Health | null {
    const task = this.tasks.get(id);
    return task?.isAlive ? (this.agent?.healthOf(task) ?? null) : null;
  }

  startAgent(): void {
    if (this.agent !== null) return;
    this.starts += 1;
    const { timeline, engine, random } = this.world;
    const clock = this.machine.sibling();
    const link = new Link(`${this.name}#${this.starts}`, { timeline, engine }, random);
    this.agent = new SimulatedAgent(this, clock, link);
    this.agent.start();
  }

  /** kill -9 of the agent: its tasks go on. What it had not recorded is forgotten. */
  crashAgent(): void {
    this.agent?.kill();
    this.agent = null;
    for (const task of this.tasks.values()) {
      if (!task.isRecorded) this.tasks.delete(task.id);
      if (task.phase === "starting" && this.world.random.below(2) === 0) task.phase = "prepared";
      if (task.phase === "stopping" && task.stopAskedAtUnixMs === null) task.phase = "running";
    }
  }

  /** Power loss: every process is gone, and the disk knows only what was recorded. */
  reboot(): void {
    this.crashAgent();
    this.boots += 1;
    this.thaw();
    for (const task of this.tasks.values()) {
      if (task.phase === "finished") continue;
      const message = "the machine was restarted";
      this.end(task, "lost", { kind: "unknown", message }, "reboot");
    }
  }

  /** A reboot with an empty disk. */
  replaceDisk(): void {
    this.reboot();
    this.world.observer.wiped(this);
    this.tasks.clear();
    this.onDisk = null;
    this.isDiskFull = false;
  }

  /** The whole machine stands still: a virtual machine that is paused. */
  freeze(): void {
    this.machine.freeze();
    this.agent?.freeze();
  }

  thaw(): void {
    this.machine.thaw();
    this.agent?.thaw();
  }

  jumpWall(byMs: number): void {
    this.machine.jumpWall(byMs);
    this.agent?.clock.jumpWall(byMs);
  }

  setWallRight(): void {
    this.machine.setWallRight();
    this.agent?.clock.setWallRight();
  }

  /** Ends a process as if it had done so by itself. */
  breakTask(id: AllocationId, signal: "SIGSEGV" | "SIGKILL"): void {
    const task = this.tasks.get(id);
    const isPossible = task?.isAlive && !this.machine.isFrozen;
    if (isPossible) this.end(task, "failed", { kind: "signal", signal }, "accident");
  }

  // What follows is called by the agent.

  nowUnixMs(): number {
    return this.machine.nowUnixMs();
  }

  remember(clusterId: ClusterId, fence: Fence | null): void {
    if (!this.isDiskFull) this.onDisk = { clusterId, fence };
  }

  observed(): Map<AllocationId, Observed> {
    const observed = new Map<AllocationId, Observed>();
    for (const [id, { phase, allocation }] of this.tasks) {
      observed.set(id, { phase, granted: allocation.granted });
    }
    return observed;
  }

  start(allocation: DesiredAllocation): void {
    const { allocationId } = allocation;
    const task = this.tasks.get(allocationId) ?? new SimulatedTask(allocation);
    if (this.isDiskFull) {
      // Nothing is recorded, so the next agent knows nothing of it.
      const message = "no space left on device";
      task.isRecorded = false;
      this.tasks.set(allocationId, task);
      this.end(task, "failed", { kind: "prestart", message }, "never started");
      return;
    }
    task.isRecorded = true;
    task.phase = "starting";
    this.tasks.set(allocationId, task);
    this.afterUpTo(this.world.habits.startMaxMs, () => {
      if (task.phase === "starting" && this.tasks.get(task.id) === task) this.run(task);
    });
  }

  stop(id: AllocationId): void {
    const task = this.tasks.get(id);
    if (task === undefined || task.phase === "stopping" || task.phase === "finished") return;
    this.world.observer.stopping(this, id);
    if (!this.isDiskFull) task.stopAskedAtUnixMs = this.nowUnixMs();
    const hasProcess = task.isAlive;
    task.phase = "stopping";
    if (!hasProcess) {
      this.end(task, "stopped", { kind: "unknown", message: "never started" }, "never started");
    } else if (!task.isHung) {
      this.afterUpTo(this.world.habits.stopMaxMs, () => {
        this.endIfAlive(task, "stopped", { kind: "signal", signal: "SIGTERM" }, "stop");
      });
    }
  }

  /** The grace time is over. */
  killTask(task: SimulatedTask): void {
    if (task.phase !== "stopping") return;
    this.endIfAlive(task, "stopped", { kind: "signal", signal: "SIGKILL" }, "stop");
  }

  acknowledge(report: AllocationReport): void {
    this.world.observer.acknowledged(this, report);
    const task = this.tasks.get(report.allocationId);
    if (report.state === "finished" && task !== undefined) task.isAcknowledged = true;
  }

  /** Deletes the records of tasks that have ended, whose end is in the log, and that nobody wants. */
  collect(desired: DesiredAllocations): void {
    for (const [id, { phase, isAcknowledged }] of this.tasks) {
      if (phase === "finished" && isAcknowledged && !desired.has(id)) this.tasks.delete(id);
    }
  }

  private run(task: SimulatedTask): void {
    const { random, habits, observer, timeline } = this.world;
    observer.started(this, task);
    task.phase = "running";
    task.startedAtUnixMs = this.nowUnixMs();
    task.isHung = random.below(1000) < habits.stubbornPermille;
    task.warmAtMs = timeline.nowMs + random.below(habits.warmUpMaxMs + 1);
    this.agent?.changed(task);
    if (!task.isBatch) return;
    const fails = random.below(1000) < habits.failurePermille;
    const exit = { kind: "code", code: fails ? 1 : 0 } as const;
    const isHasty = random.below(1000) < habits.hastyPermille;
    const [minMs, maxMs] = isHasty ? [0, HASTY_MS_MAX] : [habits.batchMinMs, habits.batchMaxMs];
    this.after(minMs + random.below(maxMs - minMs + 1), () => {
      if (task.phase === "running" && !task.isHung) {
        this.end(task, fails ? "failed" : "complete", exit, "itself");
      }
    });
  }

  private endIfAlive(task: SimulatedTask, outcome: Outcome, exit: Exit, cause: EndCause): void {
    if (task.isAlive) this.end(task, outcome, exit, cause);
  }

  private end(task: SimulatedTask, outcome: Outcome, exit: Exit, cause: EndCause): void {
    task.end(outcome, exit, this.nowUnixMs());
    this.world.observer.ended(this, task, cause);
    this.agent?.changed(task);
  }

  private afterUpTo(delayMaxMs: number, run: () => void): void {
    this.after(this.world.random.below(delayMaxMs + 1), run);
  }

  /** Processes of this boot go on without the agent, and stand still with the machine. */
  private after(delayMs: number, run: () => void): void {
    const { boots } = this;
    this.machine.after(delayMs, () => {
      if (this.boots === boots) run();
    });
  }
}
