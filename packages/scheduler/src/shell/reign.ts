import type { ClusterEvent, NodeId, WireError } from "@berth/protocol";
import type { Bus, Clock, Log, Timer } from "@berth/runtime";
import { assert } from "@berth/runtime/assert";
import {
  type Changes,
  type ClusterState,
  desiredDeltas,
  evaluate,
  Liveness,
  nextWakeUnixMs,
} from "../core/index.ts";
import { DesiredHints } from "./desired-hints.ts";
import { EntryJournal, type JournalFailure } from "./entry-journal.ts";
import { shellLimits, shellTimings } from "./limits.ts";
import { refusals } from "./refusal.ts";
import type { Replayed } from "./replay-log.ts";

export interface ReignComponents {
  readonly clock: Clock;
  readonly bus: Bus;
  readonly log: Log;
  readonly onDurable: (seq: number) => void;
  readonly onFailure: (failure: JournalFailure) => void;
  /** Whether this process may still decide. When it may not, this reign ends within the call. */
  readonly mayAct: () => boolean;
  /** A bug: the state cannot be trusted any more. */
  readonly onFatal: (cause: unknown) => void;
}

/**
 * One term of leadership, from the acknowledged `LeaderStarted` to the first append that fails.
 *
 * Work happens in turns. Whatever arrives in one turn of the event loop is applied first; then one
 * evaluation places what that made possible; then all of it is sent to the log together, so that a
 * submission and its placements usually share an entry.
 */
export class Reign {
  readonly state: ClusterState;
  readonly hints: DesiredHints;
  readonly #components: ReignComponents;
  readonly #journal: EntryJournal;
  readonly #liveness = new Liveness();
  readonly #livenessTimer: Timer;
  #wakeTimer: Timer | null = null;
  #isTurnDue = false;
  #isEnded = false;

  /** `replayed` ends with this term's own `LeaderStarted`. */
  constructor(components: ReignComponents, replayed: Replayed) {
    const { clock } = components;
    this.#components = components;
    this.state = replayed.state;
    this.hints = new DesiredHints(components);
    this.#journal = new EntryJournal(components, replayed);
    this.#liveness.leaderStarted(clock.monotonicMs());
    this.#livenessTimer = clock.every(shellTimings.livenessIntervalMs, () => this.#look());
    this.#endTurn();
  }

  get durableSeq(): number {
    return this.#journal.durableSeq;
  }

  /** Null while there is room for another answer to wait; else the refusal to give. */
  overload(): WireError | null {
    const { answersHeldMax, unacknowledgedBytesMax } = shellLimits;
    if (this.#journal.heldCount >= answersHeldMax) {
      return refusals.overloaded("answers", answersHeldMax);
    }
    if (this.#journal.unacknowledgedBytes >= unacknowledgedBytesMax) {
      return refusals.overloaded("bytes of changes", unacknowledgedBytesMax);
    }
    return null;
  }

  /** Applies what happened, and has it evaluated and made durable when this turn ends. */
  record(events: readonly ClusterEvent[]): void {
    const isRecorded = this.tryRecord(events);
    assert(isRecorded, "what this program decides by itself fits an entry");
  }

  /** The same for what others sent; false, and nothing happens, when one event fits no entry. */
  tryRecord(events: readonly ClusterEvent[]): boolean {
    if (events.length === 0) return true;
    let isRecorded = true;
    this.#guard(() => {
      const parts = this.#journal.tryRecord(events);
      isRecorded = parts !== null;
      for (const changes of parts ?? []) this.#announce(changes);
    });
    if (isRecorded) this.#endTurn();
    return isRecorded;
  }

  /** Runs `release` once the log has everything in the state as of now; perhaps at once. */
  whenDurable(release: () => void, refuse: (error: WireError) => void = () => {}): void {
    this.#journal.whenDurable(release, refuse);
  }

  get isDurable(): boolean {
    return this.#journal.isDurable;
  }

  heard(nodeId: NodeId): void {
    this.#liveness.beat(nodeId, this.#components.clock.monotonicMs());
  }

  /**
   * Stops all timers and refuses what still waits. What it leaves behind is the state to go on from,
   * or null when that has changes the log never acknowledged.
   */
  end(error: WireError): Replayed | null {
    const { position } = this.#journal;
    this.#isEnded = true;
    this.#livenessTimer.cancel();
    this.#wakeTimer?.cancel();
    this.#journal.abandon(error);
    return position;
  }

  #look(): void {
    const { clock, mayAct } = this.#components;
    if (!mayAct()) return;
    this.#guard(() => {
      this.record(this.#liveness.due(this.state, clock.monotonicMs(), clock.nowUnixMs()));
    });
  }

  #announce(changes: Changes): void {
    for (const nodeId of changes.removedNodes) this.hints.forget(nodeId);
    const notices = desiredDeltas(this.state, changes);
    if (notices.length === 0) return;
    this.#journal.whenDurable(() => {
      for (const notice of notices) this.hints.send(this.state, notice);
    });
  }

  #endTurn(): void {
    if (this.#isTurnDue || this.#isEnded) return;
    this.#isTurnDue = true;
    queueMicrotask(() => {
      this.#isTurnDue = false;
      if (!this.#isEnded) this.#guard(() => this.#evaluate());
    });
  }

  /** One slice of evaluation; the next one only after the event loop has had its turn. */
  #evaluate(): void {
    const { clock, mayAct } = this.#components;
    if (!mayAct()) return;
    const { events, wholes, more } = evaluate(this.state, clock.nowUnixMs());
    for (const changes of this.#journal.record(events, wholes)) this.#announce(changes);
    this.#journal.flush();
    this.#wakeTimer?.cancel();
    this.#wakeTimer = more ? clock.after(0, () => this.#endTurn()) : this.#wakeLater();
  }

  #wakeLater(): Timer | null {
    const { clock } = this.#components;
    const wakeUnixMs = nextWakeUnixMs(this.state);
    if (wakeUnixMs === null) return null;
    const delayMs = Math.max(shellTimings.wakeDelayMsMin, wakeUnixMs - clock.nowUnixMs());
    return clock.after(delayMs, () => this.#endTurn());
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (cause) {
      this.#components.onFatal(cause);
    }
  }
}
