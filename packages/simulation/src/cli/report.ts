import { createHash } from "node:crypto";
import { ClusterEvent, type ClusterEventType } from "@berth/protocol";
import { type FaultKind, faultKinds } from "../faults.ts";
import type { SeedResult, SnapshotCounts } from "../run-seed.ts";
import type { SeedFailure } from "./run-seeds.ts";

/** Lines of a failed seed's transcript that a report shows. */
const TAIL_LINES = 40;

export interface ReportedViolation {
  readonly seed: number;
  readonly message: string;
  /** The command that runs it again, exactly. */
  readonly replay: string;
  readonly transcript: readonly string[];
  readonly stack: string | null;
}

/** What `npm run sim -- --json` prints. */
export interface SimulationReport {
  readonly seeds: number;
  readonly violations: readonly ReportedViolation[];
  readonly violationCount: number;
  readonly simulatedHours: number;
  /** Things that happened in virtual time: timers, messages, appends. */
  readonly events: number;
  readonly logEntries: number;
  readonly acknowledgedWrites: number;
  readonly snapshots: SnapshotCounts;
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  readonly coverage: {
    readonly eventTypes: Readonly<Partial<Record<ClusterEventType, number>>>;
    readonly eventTypesMissed: readonly ClusterEventType[];
    readonly faultsMissed: readonly FaultKind[];
    /** `fault/state of what it hit`. */
    readonly faultStatePairs: Readonly<Record<string, number>>;
  };
  /** Slowest convergence after the faults had healed, virtual seconds. */
  readonly convergedSecondsMax: number;
  /** Names everything that happened in all seeds. */
  readonly historyHash: string;
  readonly wallSeconds: number;
  readonly seedsPerSecond: number;
}

const eventTypes = ClusterEvent.options.map(({ shape }) => shape.type.value);

/** Adds up seeds, in whatever order they come. */
export class ReportBuilder {
  private readonly startedMs = performance.now();
  private readonly violations: ReportedViolation[] = [];
  private readonly hashes = new Map<number, string>();
  private readonly faults: Partial<Record<FaultKind, number>> = {};
  private readonly events: Partial<Record<ClusterEventType, number>> = {};
  private readonly pairs: Record<string, number> = {};
  private simulatedMs = 0;
  private steps = 0;
  private entries = 0;
  private acknowledged = 0;
  private readonly snapshots = { taken: 0, read: 0, entriesPurged: 0 };
  private convergedMsMax = 0;

  get seeds(): number {
    return this.hashes.size;
  }

  get violationCount(): number {
    return this.violations.length;
  }

  add(result: SeedResult): void {
    const { seed, violation, transcript, stack } = result;
    this.hashes.set(seed, result.historyHash);
    this.simulatedMs += result.simulatedMs;
    this.steps += result.steps;
    this.entries += result.entries;
    this.acknowledged += result.acknowledged;
    this.convergedMsMax = Math.max(this.convergedMsMax, result.convergedMs);
    addUp(this.faults, result.faults);
    addUp(this.events, result.events);
    addUp(this.pairs, result.pairs);
    addUp(this.snapshots, { ...result.snapshots });
    if (violation === null) return;
    const tail = transcript.slice(-TAIL_LINES);
    this.violations.push({
      seed,
      message: violation,
      replay: replayOf(seed),
      transcript: tail,
      stack,
    });
  }

  addFailure({ seed, message }: SeedFailure): void {
    this.hashes.set(seed, message);
    const replay = replayOf(seed);
    this.violations.push({ seed, message, replay, transcript: [], stack: null });
  }

  build(): SimulationReport {
    const wallSeconds = (performance.now() - this.startedMs) / 1000;
    return {
      seeds: this.seeds,
      violations: this.violations.toSorted((a, b) => a.seed - b.seed),
      violationCount: this.violationCount,
      simulatedHours: rounded(this.simulatedMs / 3_600_000),
      events: this.steps,
      logEntries: this.entries,
      acknowledgedWrites: this.acknowledged,
      snapshots: { ...this.snapshots },
      faults: byKey(this.faults),
      coverage: {
        eventTypes: byKey(this.events),
        eventTypesMissed: eventTypes.filter((type) => !this.events[type]),
        faultsMissed: faultKinds.filter((kind) => !this.faults[kind]),
        faultStatePairs: byKey(this.pairs),
      },
      convergedSecondsMax: rounded(this.convergedMsMax / 1000),
      historyHash: this.historyHash(),
      wallSeconds: rounded(wallSeconds),
      seedsPerSecond: rounded(this.seeds / wallSeconds),
    };
  }

  private historyHash(): string {
    const hash = createHash("sha256");
    for (const seed of [...this.hashes.keys()].toSorted((a, b) => a - b)) {
      hash.update(`${seed} ${this.hashes.get(seed)}\n`);
    }
    return hash.digest("hex").slice(0, 16);
  }
}

/** The report for people. */
export function describeReport(report: SimulationReport): string {
  const { coverage, violations } = report;
  const count = (number: number) => number.toLocaleString("en-US");
  const faults = Object.entries(report.faults).map(([kind, times]) => `${kind} ${count(times)}`);
  const events = Object.entries(coverage.eventTypes).map(([type, n]) => `${type} ${count(n)}`);
  const { taken, read, entriesPurged } = report.snapshots;
  const missed = [...coverage.eventTypesMissed, ...coverage.faultsMissed];
  return [
    ...violations.flatMap(describeViolation),
    `${count(report.seeds)} seeds, ${count(violations.length)} violations, ` +
      `${report.simulatedHours} simulated hours, ${count(report.events)} events, ` +
      `${count(report.logEntries)} log entries, ${count(report.acknowledgedWrites)} acknowledged writes`,
    `snapshots ${count(taken)} taken, ${count(read)} read; ${count(entriesPurged)} entries purged`,
    `faults   ${faults.join(", ")}`,
    `reached  ${events.join(", ")}`,
    `pairs    ${Object.keys(coverage.faultStatePairs).length} of fault and state`,
    `missed   ${missed.join(", ") || "nothing"}`,
    `took     ${report.wallSeconds} s, ${report.seedsPerSecond} seeds/s; history ${report.historyHash}`,
  ].join("\n");
}

function describeViolation({ seed, message, replay, transcript, stack }: ReportedViolation) {
  const frames = stack === null ? [] : stack.split("\n").slice(1, 8);
  return [`✗ seed ${seed}: ${message}`, ...frames, ...transcript, `  replay: ${replay}`, ""];
}

function replayOf(seed: number): string {
  return `npm run sim -- --seed ${seed} --transcript`;
}

function addUp(
  total: Partial<Record<string, number>>,
  counts: Readonly<Partial<Record<string, number>>>,
): void {
  for (const [key, count] of Object.entries(counts)) total[key] = (total[key] ?? 0) + (count ?? 0);
}

function byKey<T extends Partial<Record<string, number>>>(counts: T): T {
  const sorted = Object.entries(counts).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted) as T;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
