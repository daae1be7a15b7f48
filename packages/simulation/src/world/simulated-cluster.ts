import {
  type AllocationId,
  type DesiredAllocation,
  type Fence,
  type NodeDescription,
  type NodeId,
  type NodeName,
} from "@berth/protocol";
import { type Logger, loggerTo, type Random } from "@berth/runtime";
import { seededRandom } from "@berth/runtime/memory";
import { Reference, Violation } from "../reference.ts";
import { Link } from "./link.ts";
import { MessageModel } from "./message-model.ts";
import { SimulatedNode, type TaskHabits } from "./simulated-node.ts";
import { SimulatedOperator } from "./simulated-operator.ts";
import { SimulatedScheduler } from "./simulated-scheduler.ts";
import { StreamModel } from "./stream-model.ts";
import { ProcessClock, Timeline } from "./timeline.ts";

const HABITS: TaskHabits = {
  batchMinMs: 500,
  batchMaxMs: 20_000,
  failurePermille: 150,
  stopMaxMs: 2_000,
  stubbornPermille: 100,
};
const TRANSCRIPT_LINES_MAX = 400;

/** Everything in one place: the engine, replicas, servers, an operator, and the judge over them. */
export class SimulatedCluster {
  readonly timeline = new Timeline();
  readonly stream = new StreamModel();
  readonly messages = new MessageModel();
  readonly reference = new Reference();
  readonly schedulers: SimulatedScheduler[] = [];
  readonly nodes: SimulatedNode[] = [];
  readonly operator: SimulatedOperator;
  readonly transcript: string[] = [];
  violation: Violation | Error | null = null;
  steps = 0;
  private readonly seed: string;
  /** Every allocation that ever became a process, and where. */
  private readonly started = new Map<AllocationId, string>();

  constructor(seed: string, size: { schedulers: number; nodes: number }) {
    this.seed = seed;
    this.stream.onAppend(() => this.judgeNewest());
    const logger = this.logger();
    for (let i = 0; i < size.schedulers; i += 1) {
      const name = `scheduler-${i + 1}`;
      this.schedulers.push(
        new SimulatedScheduler(name, {
          timeline: this.timeline,
          messages: this.messages,
          stream: this.stream,
          random: this.random(name),
          logger,
          onFatal: (who, cause) => this.fail(asError(cause), `${who} gave up`),
        }),
      );
    }
    for (let i = 0; i < size.nodes; i += 1) this.nodes.push(this.createNode(i, logger));
    const clock = new ProcessClock(this.timeline);
    const link = new Link("operator", clock, this.random("operator-link"));
    this.operator = new SimulatedOperator({
      clock,
      bus: this.messages.connect(link, clock),
      random: this.random("operator"),
      onAcknowledged: ({ requestId, method }) =>
        this.guard(() => this.reference.acknowledged(requestId, method)),
      onDifferentAnswer: (requestId) =>
        this.fail(new Violation("INV3", `${requestId} was answered differently the second time`)),
    });
  }

  /** A stream of draws of its own for each purpose: one more draw here moves nothing there. */
  random(purpose: string): Random {
    return seededRandom(`${this.seed}/${purpose}`);
  }

  start(): void {
    for (const scheduler of this.schedulers) scheduler.start();
    for (const node of this.nodes) node.startAgent();
  }

  /** Lets virtual time pass, event by event; every event's consequences settle before the next. */
  async run(durationMs: number): Promise<void> {
    const until = this.timeline.nowMs + durationMs;
    while (this.violation === null && this.timeline.step(until)) {
      this.steps += 1;
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
    const seconds = (this.timeline.nowMs / 1000).toFixed(3).padStart(9);
    this.transcript.push(`${seconds}  ${line}`);
    if (this.transcript.length > TRANSCRIPT_LINES_MAX) this.transcript.shift();
  }

  fail(error: Error, context = ""): void {
    if (this.violation !== null) return;
    this.violation = error;
    this.tell(`!! ${context} ${error.stack ?? error.message}`);
  }

  guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.fail(asError(error));
    }
  }

  private judgeNewest(): void {
    const stored = this.stream.entryAt(this.stream.bounds.last);
    if (stored === null) return;
    this.guard(() => {
      this.reference.take(stored);
      const { events } = JSON.parse(new TextDecoder().decode(stored.bytes)) as {
        events: { type: string; allocationId?: string; workloadId?: string; nodeId?: string }[];
      };
      for (const event of events) {
        const about = event.allocationId ?? event.workloadId ?? event.nodeId?.slice(-4) ?? "";
        this.tell(`log ${stored.seq} ${event.type} ${about}`);
      }
    });
  }

  private createNode(number: number, logger: Logger): SimulatedNode {
    const name = `node-${number + 1}`;
    return new SimulatedNode({
      description: describe(number, name),
      timeline: this.timeline,
      messages: this.messages,
      random: this.random(name),
      logger,
      habits: HABITS,
      observer: {
        started: (node, allocation) => this.taskStarted(node, allocation),
        stopping: (node, allocationId, applied) => this.stopping(node, allocationId, applied),
        desired: (node, fence) => this.desired(node, fence),
      },
    });
  }

  /** An allocation is one run: it becomes a process at most once, on the node it was bound to. */
  private taskStarted(node: SimulatedNode, { allocationId }: DesiredAllocation): void {
    const { name } = node.description;
    this.tell(`${name} starts ${allocationId}`);
    const before = this.started.get(allocationId);
    if (before !== undefined) {
      this.fail(
        new Violation("INV2", `${allocationId} started on ${name} and before on ${before}`),
      );
    }
    this.started.set(allocationId, name);
    const record = this.reference.state.allocations.get(allocationId);
    if (record !== undefined && record.nodeId !== node.id) {
      this.fail(new Violation("INV2", `${allocationId} started on ${name}, where it is not bound`));
    }
  }

  /** [INV5] An agent at the newest generation never stops what that generation contains. */
  private stopping(node: SimulatedNode, allocationId: AllocationId, applied: Fence | null): void {
    this.tell(`${node.description.name} stops ${allocationId}`);
    const newest = this.reference.fenceOf(node.id);
    if (newest === null || applied === null) return;
    const isNewest = applied.term === newest.term && applied.generation === newest.generation;
    const record = this.reference.state.nodes.get(node.id);
    if (isNewest && record?.desired.has(allocationId)) {
      this.fail(
        new Violation("INV5", `${allocationId} is desired and ${node.description.name} stops it`),
      );
    }
  }

  /** [INV3] Nothing reaches an agent before it is in the log. */
  private desired(node: SimulatedNode, fence: Fence): void {
    const newest = this.reference.fenceOf(node.id);
    if (newest === null) return;
    if (
      fence.term > newest.term ||
      (fence.term === newest.term && fence.generation > newest.generation)
    ) {
      this.fail(
        new Violation(
          "INV3",
          `${node.description.name} was told generation ${fence.generation}; the log is at ${newest.generation}`,
        ),
      );
    }
  }

  private logger(): Logger {
    return loggerTo((level, message, fields) => {
      if (level === "warn" || level === "error") this.tell(`${level}: ${message} ${brief(fields)}`);
    });
  }
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

function describe(number: number, name: string): NodeDescription {
  const digits = "ABCDEFGHIJ";
  const suffix = String(number)
    .padStart(6, "0")
    .replace(/\d/g, (digit) => digits[Number(digit)] ?? "A");
  const gpus = number % 3 === 0 ? 2 : 0;
  return {
    nodeId: `U${"A".repeat(49)}${suffix}` as NodeId,
    name: name as NodeName,
    bootId: "",
    agentVersion: "simulated",
    labels: { rack: `r${number % 2}` },
    meta: {},
    capacity: { cpuMillis: 4_000, memoryMiB: 8_192, diskMiB: 10_240, networkMbps: 1_000 },
    reserved: { cpuMillis: 200, memoryMiB: 512, diskMiB: 1_024, networkMbps: null },
    portRange: { from: 20_000, to: 20_015 },
    drivers: [{ name: "process", available: true, reason: null }],
    hardware: {
      cpu: {
        model: "simulated",
        architecture: "x64",
        sockets: 1,
        cores: 4,
        threads: 4,
        maxMHz: null,
      },
      memoryMiB: 8_192,
      swapMiB: 0,
      disks: [],
      fileSystems: [],
      networkInterfaces: [],
      gpus: Array.from({ length: gpus }, (_unused, index) => ({
        uuid: `GPU-${number}-${index}`,
        model: "H100",
        memoryMiB: 81_920,
        driverVersion: null,
        pciAddress: null,
      })),
      kernel: "simulated",
      operatingSystem: "simulated",
      hostName: name,
      vendor: null,
      product: null,
    },
  };
}
