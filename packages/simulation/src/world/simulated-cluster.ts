import { createHash } from "node:crypto";
import { agentNodeOf } from "@berth/protocol";
import { type Logger, loggerTo, type Random } from "@berth/runtime";
import { seededRandom } from "@berth/runtime/memory";
import { LivenessRules } from "../judge/liveness-rules.ts";
import { MachineRules } from "../judge/machine-rules.ts";
import { Promises } from "../judge/promises.ts";
import { Reference } from "../judge/reference.ts";
import { SnapshotRules } from "../judge/snapshot-rules.ts";
import { Violation } from "../judge/violation.ts";
import type { Scenario, SnapshotHabits } from "../scenario.ts";
import type { Transcript } from "../transcript.ts";
import { describeSimulatedNode } from "./describe-simulated-node.ts";
import { Engine } from "./engine.ts";
import { Link } from "./link.ts";
import { MessageModel } from "./message-model.ts";
import { type NodeObserver, SimulatedNode } from "./simulated-node.ts";
import { SimulatedOperator } from "./simulated-operator.ts";
import { SimulatedScheduler } from "./simulated-scheduler.ts";
import type { TaskHabits } from "./simulated-task.ts";
import { LeaseModel } from "./lease-model.ts";
import { type ShelfObserver, SnapshotShelf } from "./snapshot-shelf.ts";
import { StreamModel } from "./stream-model.ts";
import { ProcessClock, Timeline } from "./timeline.ts";

const HABITS: TaskHabits = {
  startMaxMs: 200,
  batchMinMs: 500,
  batchMaxMs: 20_000,
  failurePermille: 150,
  hastyPermille: 150,
  stopMaxMs: 2_000,
  stubbornPermille: 100,
  warmUpMaxMs: 4_000,
};
/** As schedulers on a real engine have it. */
const LEASE_TTL_MS = 3_000;
const NODES_MAX = 7;
/** Events in one instant without time passing: beyond that something turns in circles. */
const STEPS_PER_INSTANT_MAX = 20_000;
const LOOK_INTERVAL_MS = 1_000;

/** Everything in one place: the engine, replicas, servers, an operator, and the judge over them. */
export class SimulatedCluster {
  readonly timeline = new Timeline();
  readonly engine = new Engine();
  readonly stream: StreamModel;
  /** Snapshots in the engine. */
  readonly shelf: SnapshotShelf;
  readonly lease: LeaseModel;
  readonly messages: MessageModel;
  readonly reference: Reference;
  readonly machineRules: MachineRules;
  readonly promises: Promises;
  readonly snapshotRules = new SnapshotRules();
  readonly schedulers: SimulatedScheduler[] = [];
  readonly nodes: SimulatedNode[] = [];
  readonly operator: SimulatedOperator;
  readonly transcript: Transcript;
  violation: Error | null = null;
  steps = 0;
  /** Schedulers whose `done` rejected, with the reason; a violation unless it is provoked. */
  readonly givenUp = new Map<string, Error>();
  mayGiveUp = false;
  private readonly seed: string;
  private readonly logger: Logger;
  private readonly livenessRules = new LivenessRules();

  constructor(
    seed: string,
    scenario: Pick<Scenario, "schedulers" | "nodes" | "snapshots">,
    transcript: Transcript,
  ) {
    this.seed = seed;
    this.transcript = transcript;
    this.logger = this.createLogger();
    const { timeline, engine } = this;
    this.stream = new StreamModel({ timeline, engine }, this.random("stream"));
    const isElecting = () => this.stream.electing;
    this.lease = new LeaseModel({ timeline, engine, ttlMs: LEASE_TTL_MS, isElecting });
    this.messages = new MessageModel((subject, link) => this.delivered(subject, link));
    this.reference = new Reference((state, event) => {
      if (event.type === "AllocationFinished") this.machineRules.finishedInLog(state, event);
      else if (event.type === "NodeStatusChanged") {
        this.livenessRules.statusInLog(state, event, timeline.nowMs);
      }
    });
    this.machineRules = new MachineRules(this.reference);
    this.promises = new Promises(this.reference);
    this.stream.onAppend(() => this.judgeNewest());
    this.stream.onPurge((beforeSeq) => this.judgePurge(beforeSeq));
    this.shelf = new SnapshotShelf("the engine", timeline, this.shelfObserver());
    for (let i = 0; i < scenario.schedulers; i += 1) this.addScheduler(i + 1, scenario.snapshots);
    for (let i = 0; i < scenario.nodes; i += 1) this.addNode();
    this.operator = this.createOperator();
  }

  /** A stream of draws of its own for each purpose: one more draw here moves nothing there. */
  random(purpose: string): Random {
    return seededRandom(`${this.seed}/${purpose}`);
  }

  start(): void {
    for (const scheduler of this.schedulers) scheduler.start();
    for (const node of this.nodes) node.startAgent();
    const look = () => {
      this.guard(() => this.look());
      this.timeline.schedule(this.timeline.nowMs + LOOK_INTERVAL_MS, look);
    };
    look();
  }

  /** Null when there are as many as there may be. */
  addNode(): SimulatedNode | null {
    if (this.nodes.length >= NODES_MAX) return null;
    const description = describeSimulatedNode(this.nodes.length);
    const { timeline, engine, messages, logger } = this;
    const node = new SimulatedNode(description, {
      timeline,
      engine,
      messages,
      random: this.random(description.name),
      logger,
      habits: HABITS,
      observer: this.observer(),
    });
    this.nodes.push(node);
    return node;
  }

  /** Lets virtual time pass, event by event; every event's consequences settle before the next. */
  async run(durationMs: number): Promise<void> {
    const until = this.timeline.nowMs + durationMs;
    let instantMs = -1;
    let stepsInInstant = 0;
    while (this.violation === null && this.step(until)) {
      this.steps += 1;
      stepsInInstant = this.timeline.nowMs === instantMs ? stepsInInstant + 1 : 0;
      instantMs = this.timeline.nowMs;
      if (stepsInInstant > STEPS_PER_INSTANT_MAX) {
        this.fail(new Violation("BUG", `${stepsInInstant} events and no time passes`));
      }
      await settled();
    }
  }

  compareReplicas(): void {
    for (const scheduler of this.schedulers) {
      const state = scheduler.durableState();
      if (state !== null) this.guard(() => this.reference.compare(scheduler.name, state));
    }
  }

  tell(line: string): void {
    this.transcript.add(this.timeline.nowMs, line);
  }

  fail(error: Error): void {
    if (this.violation !== null) return;
    const isJudged = error instanceof Violation;
    this.violation = isJudged
      ? error
      : new Violation("BUG", `${error.name}: ${error.message}`, { cause: error });
    this.tell(`!! ${this.violation.message}`);
  }

  guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.fail(asError(error));
    }
  }

  private step(untilMs: number): boolean {
    try {
      return this.timeline.step(untilMs);
    } catch (error) {
      this.fail(asError(error));
      return false;
    }
  }

  private look(): void {
    const { stream, engine } = this;
    const { electing, full, stallMaxMs, lostAnswersPermille } = stream;
    const isStreamCalm = !electing && !full && stallMaxMs === 0 && lostAnswersPermille === 0;
    this.livenessRules.look(this.reference.state, this.schedulers, this.nodes, {
      nowMs: this.timeline.nowMs,
      isEngineCalm: engine.isUp && isStreamCalm,
    });
  }

  private judgeNewest(): void {
    const stored = this.stream.entryAt(this.stream.bounds.last);
    if (stored === null) return;
    this.guard(() => {
      const entry = this.reference.take(stored);
      this.snapshotRules.remember(stored.seq, entry, this.reference.lastHash);
      for (const event of entry.events) {
        const about = aboutOf(event);
        this.tell(`log ${stored.seq} ${event.type}${about === "" ? "" : ` ${about}`}`);
      }
    });
  }

  private shelfObserver(): ShelfObserver {
    const { snapshotRules } = this;
    return {
      written: (snapshot) => {
        this.tell(`snapshot ${snapshot.id} is written`);
        this.guard(() => snapshotRules.written(snapshot));
      },
      removed: (id, damagedForMs) => this.guard(() => snapshotRules.removed(id, damagedForMs)),
    };
  }

  private judgePurge(beforeSeq: number): void {
    this.tell(`the log is purged up to ${beforeSeq}`);
    const folders = this.schedulers.map(({ folder }) => folder);
    const { nowMs } = this.timeline;
    this.guard(() => this.snapshotRules.purgedBefore(beforeSeq, nowMs, this.shelf, folders));
  }

  private delivered(subject: string, link: Link): void {
    const isSignOfLife = subject.endsWith(".beat") || subject.endsWith(".hello");
    const nodeId = isSignOfLife ? agentNodeOf(subject) : null;
    if (nodeId !== null) this.livenessRules.heard(nodeId, link.name, this.timeline.nowMs);
  }

  private addScheduler(number: number, habits: SnapshotHabits): void {
    const name = `scheduler-${number}`;
    const { timeline, engine, messages, stream, shelf, lease, logger } = this;
    this.schedulers.push(
      new SimulatedScheduler(name, {
        timeline,
        engine,
        messages,
        stream,
        shelf,
        habits,
        shelfObserver: this.shelfObserver(),
        lease,
        random: this.random(name),
        logger,
        onFatal: (who, cause) => {
          this.givenUp.set(who, asError(cause));
          if (!this.mayGiveUp) this.fail(asError(cause));
        },
      }),
    );
  }

  private createOperator(): SimulatedOperator {
    const clock = new ProcessClock(this.timeline);
    const link = new Link("operator", this, this.random("operator-link"));
    return new SimulatedOperator({
      clock,
      link,
      bus: this.messages.connect(link, clock),
      random: this.random("operator"),
      onAcknowledged: (acknowledged) => this.guard(() => this.promises.acknowledged(acknowledged)),
      onDifferentAnswer: (requestId) =>
        this.fail(new Violation("INV3", `${requestId} was answered differently the second time`)),
    });
  }

  /** Passes on what happens on machines to the judge, and to the transcript. */
  private observer(): NodeObserver {
    const { machineRules } = this;
    return {
      started: (node, task) => {
        this.tell(`${node.name} starts ${task.id}`);
        this.guard(() => machineRules.started(node, task));
      },
      stopping: (node, id) => {
        this.tell(`${node.name} stops ${id}`);
        this.guard(() => machineRules.stopping(node, id));
      },
      ended: (node, task, cause) => {
        this.tell(`${node.name} ${task.id} is ${task.finished?.outcome}: ${cause}`);
        this.guard(() => machineRules.ended(node, task, cause));
      },
      desired: (node, fence, allocations) =>
        this.guard(() => machineRules.desired(node, fence, allocations)),
      acknowledged: (node, report) => this.guard(() => machineRules.acknowledged(node, report)),
      wiped: (node) => machineRules.wiped(node),
    };
  }

  private createLogger(): Logger {
    return loggerTo((level, message, fields) => {
      if (level === "warn" || level === "error") this.tell(`${level}: ${message} ${brief(fields)}`);
    });
  }
}

/** Names the whole history: equal for two runs only if everything went the same way. */
export function historyHash(cluster: SimulatedCluster): string {
  return createHash("sha256")
    .update(cluster.transcript.digest())
    .update(cluster.reference.lastHash)
    .digest("hex")
    .slice(0, 16);
}

/** Until every promise that can settle has settled. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}

function brief(fields: object): string {
  const cause = "cause" in fields ? fields.cause : undefined;
  return cause instanceof Error ? cause.message : "";
}

/** What an event is about, in a word or two. */
function aboutOf(event: object): string {
  const { allocationId, workloadId, nodeId, outcome, status, reason, term } = event as Record<
    string,
    unknown
  >;
  const subject =
    allocationId ?? workloadId ?? (typeof nodeId === "string" ? nodeId.slice(-4) : "");
  return [subject, outcome ?? status ?? reason ?? term].filter((part) => part).join(" ");
}
