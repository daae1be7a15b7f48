import {
  type AllocationId,
  type AllocationReport,
  type ClusterId,
  type Health,
  MESSAGE_VERSION,
  subjects,
  timings,
} from "@berth/protocol";
import {
  afterProbe,
  type CheckState,
  type DesiredAllocations,
  DesiredFeed,
  type DesiredState,
  initialCheck,
  Leader,
  reconcile,
  Reporter,
  Session,
} from "@berth/agent/conversation";
import type { Bus } from "@berth/runtime";
import type { Link } from "./link.ts";
import type { Membership, SimulatedNode } from "./simulated-node.ts";
import type { FinishedReport, SimulatedTask } from "./simulated-task.ts";
import type { ProcessClock } from "./timeline.ts";

const CONCURRENT_STARTS_MAX = 16;
const COLLECT_INTERVAL_MS = 10_000;

/** One life of an agent: what dies with kill -9. */
export class SimulatedAgent {
  readonly clock: ProcessClock;
  readonly link: Link;
  private readonly node: SimulatedNode;
  private readonly bus: Bus;
  /** What the disk said when it started. */
  private readonly membership: Membership | null;
  private readonly feed: DesiredFeed;
  private readonly session: Session;
  private readonly reporter: Reporter;
  /** What the leader asked for and the machine knows nothing of. */
  private readonly lost = new Map<AllocationId, FinishedReport>();
  private readonly checks = new Map<AllocationId, CheckState>();
  private desired: DesiredAllocations | null = null;
  private beats = 0;
  private isDead = false;

  constructor(node: SimulatedNode, clock: ProcessClock, link: Link) {
    const { random, logger, messages } = node.world;
    this.node = node;
    this.clock = clock;
    this.link = link;
    this.bus = messages.connect(link, clock);
    this.membership = node.membership;
    const { bus, membership } = this;
    const leader = new Leader(bus, node.id);
    const world = { bus, clock, random, logger, leader };
    const joined = (): ClusterId | null => this.session.joined;
    this.reporter = new Reporter({
      ...world,
      joined,
      onAcknowledged: (report) => {
        if (!this.isDead) node.acknowledge(report);
      },
    });
    this.feed = new DesiredFeed({
      ...world,
      nodeId: node.id,
      floor: membership?.fence ?? null,
      joined,
      onDesired: (state) => this.take(state),
    });
    this.session = new Session({
      ...world,
      clusterId: membership?.clusterId ?? null,
      description: { ...node.description, bootId: node.bootId },
      applied: () => this.feed.applied,
      reports: () => this.reports(),
      onJoined: ({ clusterId, fence, unlisted }) => {
        if (this.isDead) return;
        this.account(unlisted);
        if (membership === null && this.feed.applied === null) node.remember(clusterId, null);
        this.feed.seen(fence);
        this.reporter.wake();
      },
    });
  }

  /** Adopts what runs, takes up stops where the last agent left them, and starts talking. */
  start(): void {
    for (const task of this.node.tasks.values()) {
      if (task.phase === "stopping") this.killAfterGrace(task);
      if (task.phase === "running") this.watchHealth(task);
    }
    for (const report of this.reports()) this.reporter.add(report);
    this.session.start();
    this.clock.every(timings.beatIntervalMs, () => this.beat());
    this.clock.every(COLLECT_INTERVAL_MS, () => {
      if (this.desired !== null) this.node.collect(this.desired);
    });
  }

  kill(): void {
    this.isDead = true;
    this.clock.kill();
    this.link.close();
    this.session.stop();
    this.feed.stop();
    this.reporter.stop();
  }

  freeze(): void {
    this.clock.freeze();
    this.link.freeze();
  }

  thaw(): void {
    this.clock.thaw();
    this.link.thaw();
  }

  /** A task began or ended. */
  changed(task: SimulatedTask): void {
    if (task.phase === "running") this.watchHealth(task);
    this.report(task);
    this.clock.after(0, () => this.reconcile());
  }

  /** The leader believes that these run here: says what became of each. */
  private account(ids: readonly AllocationId[]): void {
    for (const id of ids) {
      const task = this.node.tasks.get(id);
      if (task !== undefined) this.report(task);
      else {
        const report = lostReport(id, this.node.nowUnixMs());
        this.lost.set(id, report);
        this.reporter.add(report);
      }
    }
  }

  healthOf({ id, allocation }: SimulatedTask): Health {
    return this.checks.get(id)?.health ?? (allocation.check === null ? "none" : "starting");
  }

  private take(state: DesiredState): void {
    if (this.isDead) return;
    this.desired = state.allocations;
    const { clusterId } = this.session;
    if (clusterId !== null) this.node.remember(clusterId, state.floor);
    if (state.applied !== null && state.allocations !== null) {
      this.node.world.observer.desired(this.node, state.applied, state.allocations);
    }
    this.reconcile();
  }

  private reconcile(): void {
    if (this.isDead) return;
    const observed = this.node.observed();
    for (const id of this.lost.keys()) observed.set(id, { phase: "finished", granted: null });
    for (const action of reconcile(this.desired, observed, CONCURRENT_STARTS_MAX)) {
      if (action.kind === "start") {
        this.node.start(action.allocation);
        continue;
      }
      this.node.stop(action.allocationId);
      const task = this.node.tasks.get(action.allocationId);
      if (task?.phase === "stopping") this.killAfterGrace(task);
    }
  }

  private killAfterGrace(task: SimulatedTask): void {
    const sinceMs = this.node.nowUnixMs() - (task.stopAskedAtUnixMs ?? this.node.nowUnixMs());
    // A clock that was set back must not make the grace time longer.
    const { graceMs } = task.allocation.stop;
    const delayMs = Math.min(graceMs, Math.max(0, graceMs - sinceMs));
    this.clock.after(delayMs, () => this.node.killTask(task));
  }

  private beat(): void {
    this.beats += 1;
    this.bus.publish(subjects.agent(this.node.id, "beat"), {
      v: MESSAGE_VERSION,
      nodeId: this.node.id,
      sequence: this.beats,
      bootId: this.node.bootId,
      applied: this.feed.applied,
      running: this.node.unfinishedIds().length,
    });
  }

  private watchHealth(task: SimulatedTask): void {
    const { check } = task.allocation;
    if (check === null || this.checks.has(task.id)) return;
    this.checks.set(task.id, initialCheck(check));
    const startedMs = this.clock.monotonicMs();
    const probe = () => {
      if (task.phase !== "running") return;
      const before = this.checks.get(task.id) ?? initialCheck(check);
      const passes = !task.isSick && this.node.world.timeline.nowMs >= task.warmAtMs;
      const answer = passes ? { passed: true as const } : NO_ANSWER;
      const after = afterProbe(before, check, answer, this.clock.monotonicMs() - startedMs);
      this.checks.set(task.id, after);
      if (after.health !== before.health || after.message !== before.message) this.report(task);
      this.clock.after(check.intervalMs, probe);
    };
    this.clock.after(check.intervalMs, probe);
  }

  private report(task: SimulatedTask): void {
    const report = this.reportOf(task);
    if (report !== null) this.reporter.add(report);
  }

  /** What the leader should know: all that run, and the ends it has not acknowledged. */
  private reports(): AllocationReport[] {
    return [...this.node.tasks.values()].flatMap((task) =>
      task.isAcknowledged ? [] : (this.reportOf(task) ?? []),
    );
  }

  private reportOf(task: SimulatedTask): AllocationReport | null {
    if (task.finished !== null) return task.finished;
    if (task.startedAtUnixMs === null) return null;
    return {
      state: "running",
      allocationId: task.id,
      startedAtUnixMs: task.startedAtUnixMs,
      pid: 1,
      health: this.healthOf(task),
      message: this.checks.get(task.id)?.message ?? null,
    };
  }
}

function lostReport(allocationId: AllocationId, finishedAtUnixMs: number): FinishedReport {
  const message = "the agent has no record of it";
  return {
    state: "finished",
    allocationId,
    outcome: "lost",
    exit: { kind: "unknown", message },
    startedAtUnixMs: null,
    finishedAtUnixMs,
    message,
  };
}

const NO_ANSWER = { passed: false, message: "connection refused" } as const;
