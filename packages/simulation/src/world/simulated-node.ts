import {
  type AllocationId,
  type AllocationReport,
  type ClusterId,
  type DesiredAllocation,
  type Fence,
  MESSAGE_VERSION,
  type NodeDescription,
  subjects,
  timings,
} from "@berth/protocol";
import {
  type DesiredAllocations,
  DesiredFeed,
  Leader,
  type Phase,
  reconcile,
  Reporter,
  Session,
} from "@berth/agent/conversation";
import type { Bus, Logger, Random } from "@berth/runtime";
import { Link } from "./link.ts";
import type { MessageModel } from "./message-model.ts";
import { ProcessClock, type Timeline } from "./timeline.ts";

/** How tasks of this simulated machine behave. Times in milliseconds, chances in thousandths. */
export interface TaskHabits {
  readonly batchMinMs: number;
  readonly batchMaxMs: number;
  readonly failurePermille: number;
  readonly stopMaxMs: number;
  /** Ignores its stop signal and has to be killed after the grace time. */
  readonly stubbornPermille: number;
}

type FinishedReport = Extract<AllocationReport, { state: "finished" }>;

/** A task as the machine knows it: the process and its record on disk, which outlive the agent. */
interface Task {
  readonly allocation: DesiredAllocation;
  readonly startedAtUnixMs: number;
  phase: Phase;
  wasAskedToStop: boolean;
  finished: FinishedReport | null;
  isAcknowledged: boolean;
}

export interface NodeObserver {
  started(node: SimulatedNode, allocation: DesiredAllocation): void;
  stopping(node: SimulatedNode, allocationId: AllocationId, applied: Fence | null): void;
  desired(node: SimulatedNode, fence: Fence): void;
}

const CONCURRENT_STARTS_MAX = 16;

/**
 * A server: a disk, tasks, and an agent process that comes and goes. The agent's conversation with
 * the leader and its reconciliation are the production code; processes and disk are modelled.
 */
export class SimulatedNode {
  readonly description: NodeDescription;
  readonly tasks = new Map<AllocationId, Task>();
  private readonly timeline: Timeline;
  private readonly messages: MessageModel;
  private readonly random: Random;
  private readonly logger: Logger;
  private readonly observer: NodeObserver;
  private readonly habits: TaskHabits;
  private membership: { clusterId: ClusterId; fence: Fence | null } | null = null;
  private boots = 1;
  private starts = 0;
  private agent: AgentProcess | null = null;
  private wallOffsetMs = 0;

  constructor(options: {
    description: NodeDescription;
    timeline: Timeline;
    messages: MessageModel;
    random: Random;
    logger: Logger;
    observer: NodeObserver;
    habits: TaskHabits;
  }) {
    this.description = options.description;
    this.timeline = options.timeline;
    this.messages = options.messages;
    this.random = options.random;
    this.logger = options.logger;
    this.observer = options.observer;
    this.habits = options.habits;
  }

  get id() {
    return this.description.nodeId;
  }

  get link(): Link | null {
    return this.agent?.link ?? null;
  }

  get clock(): ProcessClock | null {
    return this.agent?.clock ?? null;
  }

  get applied(): Fence | null {
    return this.agent?.feed.applied ?? null;
  }

  runningIds(): AllocationId[] {
    return [...this.tasks].flatMap(([id, task]) => (task.phase === "finished" ? [] : [id]));
  }

  startAgent(): void {
    if (this.agent !== null) return;
    this.starts += 1;
    const name = `${this.description.name}#${this.starts}`;
    const clock = new ProcessClock(this.timeline, { wallOffsetMs: this.wallOffsetMs });
    const link = new Link(name, clock, this.random);
    this.agent = new AgentProcess(this, clock, link, this.messages.connect(link, clock), {
      random: this.random,
      logger: this.logger,
      membership: this.membership,
    });
  }

  /** kill -9 of the agent: its tasks go on. */
  crashAgent(): void {
    this.agent?.kill();
    this.agent = null;
  }

  /** Power loss: every task is gone, and the disk knows only what was recorded. */
  reboot(): void {
    this.crashAgent();
    this.boots += 1;
    for (const task of this.tasks.values()) {
      if (task.phase === "finished") continue;
      this.finish(task, "lost", { kind: "unknown", message: "the machine was restarted" });
    }
  }

  jumpWall(byMs: number): void {
    this.wallOffsetMs += byMs;
    this.agent?.clock.jumpWall(byMs);
  }

  /** Ends a running task as if it had crashed by itself. */
  crashTask(id: AllocationId): void {
    const task = this.tasks.get(id);
    if (task === undefined || task.phase === "finished") return;
    this.finish(task, "failed", { kind: "signal", signal: "SIGSEGV" });
  }

  // What follows is called by the agent process.

  get bootId(): string {
    return `boot-${this.boots}`;
  }

  remember(clusterId: ClusterId, fence: Fence | null): void {
    this.membership = { clusterId, fence };
  }

  nowUnixMs(): number {
    return this.agent?.clock.nowUnixMs() ?? 0;
  }

  phases(): Map<AllocationId, Phase> {
    return new Map([...this.tasks].map(([id, task]) => [id, task.phase]));
  }

  reports(): AllocationReport[] {
    return [...this.tasks.values()].flatMap((task) => {
      if (task.isAcknowledged) return [];
      const report = this.reportOf(task);
      return report === null ? [] : [report];
    });
  }

  acknowledge(report: AllocationReport): void {
    const task = this.tasks.get(report.allocationId);
    if (report.state === "finished" && task !== undefined) task.isAcknowledged = true;
  }

  start(allocation: DesiredAllocation): void {
    const task: Task = {
      allocation,
      startedAtUnixMs: this.nowUnixMs(),
      phase: "running",
      wasAskedToStop: false,
      finished: null,
      isAcknowledged: false,
    };
    this.tasks.set(allocation.allocationId, task);
    this.observer.started(this, allocation);
    this.changed(task);
    const isBatch = allocation.task.env["SIM_KIND"] === "batch";
    if (isBatch) this.endBatchLater(task);
  }

  stop(id: AllocationId): void {
    const task = this.tasks.get(id);
    if (task === undefined || task.phase !== "running") return;
    this.observer.stopping(this, id, this.applied);
    task.phase = "stopping";
    task.wasAskedToStop = true;
    const { stop } = task.allocation;
    const isStubborn = this.random.below(1000) < this.habits.stubbornPermille;
    const delayMs = isStubborn ? stop.graceMs : this.random.below(this.habits.stopMaxMs + 1);
    this.later(delayMs, task, () => {
      const exit = isStubborn
        ? ({ kind: "signal", signal: "SIGKILL" } as const)
        : ({ kind: "signal", signal: "SIGTERM" } as const);
      this.finish(task, "stopped", exit);
    });
  }

  desiredApplied(fence: Fence): void {
    this.observer.desired(this, fence);
  }

  private endBatchLater(task: Task): void {
    const { batchMinMs, batchMaxMs, failurePermille } = this.habits;
    const delayMs = batchMinMs + this.random.below(batchMaxMs - batchMinMs + 1);
    const fails = this.random.below(1000) < failurePermille;
    this.later(delayMs, task, () => {
      if (task.wasAskedToStop) return;
      this.finish(task, fails ? "failed" : "complete", { kind: "code", code: fails ? 1 : 0 });
    });
  }

  private later(delayMs: number, task: Task, run: () => void): void {
    this.timeline.schedule(this.timeline.nowMs + delayMs, () => {
      if (task.phase !== "finished") run();
    });
  }

  private finish(
    task: Task,
    outcome: FinishedReport["outcome"],
    exit: FinishedReport["exit"],
  ): void {
    task.phase = "finished";
    task.finished = {
      state: "finished",
      allocationId: task.allocation.allocationId,
      outcome,
      exit,
      startedAtUnixMs: task.startedAtUnixMs,
      finishedAtUnixMs: this.nowUnixMs(),
      message: null,
    };
    this.changed(task);
  }

  private changed(task: Task): void {
    const report = this.reportOf(task);
    if (report !== null) this.agent?.changed(report);
  }

  private reportOf(task: Task): AllocationReport | null {
    if (task.finished !== null) return task.finished;
    return {
      state: "running",
      allocationId: task.allocation.allocationId,
      startedAtUnixMs: task.startedAtUnixMs,
      pid: 1,
      health: task.allocation.check === null ? "none" : "healthy",
      message: null,
    };
  }
}

/** One life of an agent: what dies with kill -9. */
class AgentProcess {
  readonly feed: DesiredFeed;
  readonly clock: ProcessClock;
  readonly link: Link;
  private readonly node: SimulatedNode;
  private readonly session: Session;
  private readonly reporter: Reporter;
  private desired: DesiredAllocations | null = null;
  private beats = 0;
  private isDead = false;

  constructor(
    node: SimulatedNode,
    clock: ProcessClock,
    link: Link,
    bus: Bus,
    own: {
      random: Random;
      logger: Logger;
      membership: { clusterId: ClusterId; fence: Fence | null } | null;
    },
  ) {
    this.node = node;
    this.clock = clock;
    this.link = link;
    const { random, logger, membership } = own;
    const leader = new Leader(bus, node.id);
    const world = { bus, clock, random, logger, leader };
    const joined = (): ClusterId | null => this.session.joined;
    this.reporter = new Reporter({
      ...world,
      joined,
      onAcknowledged: (report) => node.acknowledge(report),
    });
    this.feed = new DesiredFeed({
      ...world,
      nodeId: node.id,
      floor: membership?.fence ?? null,
      joined,
      onDesired: (state) => {
        if (this.isDead) return;
        this.desired = state.allocations;
        if (state.applied !== null) node.desiredApplied(state.applied);
        this.reconcile();
        const { clusterId } = this.session;
        if (clusterId !== null) node.remember(clusterId, state.floor);
      },
    });
    this.session = new Session({
      ...world,
      clusterId: membership?.clusterId ?? null,
      description: { ...node.description, bootId: node.bootId },
      applied: () => this.feed.applied,
      reports: () => node.reports(),
      onJoined: (clusterId, fence) => {
        if (this.isDead) return;
        if (this.feed.applied === null) node.remember(clusterId, membership?.fence ?? null);
        this.feed.seen(fence);
        this.reporter.wake();
      },
    });
    for (const report of node.reports()) this.reporter.add(report);
    this.session.start();
    clock.every(timings.beatIntervalMs, () => this.beat(bus));
  }

  kill(): void {
    this.isDead = true;
    this.clock.kill();
    this.link.close();
    this.session.stop();
    this.feed.stop();
    this.reporter.stop();
  }

  changed(report: AllocationReport): void {
    this.reporter.add(report);
    this.clock.after(0, () => this.reconcile());
  }

  private beat(bus: Bus): void {
    this.beats += 1;
    bus.publish(subjects.agent(this.node.id, "beat"), {
      v: MESSAGE_VERSION,
      nodeId: this.node.id,
      sequence: this.beats,
      bootId: this.node.bootId,
      applied: this.feed.applied,
      running: this.node.runningIds().length,
    });
  }

  private reconcile(): void {
    if (this.isDead) return;
    for (const action of reconcile(this.desired, this.node.phases(), CONCURRENT_STARTS_MAX)) {
      if (action.kind === "stop") this.node.stop(action.allocationId);
      else this.node.start(action.allocation);
    }
  }
}
