import type { ClusterEvent } from "@berth/protocol";
import { memoryLog, type MemoryLog, type VirtualClock, virtualClock } from "@berth/runtime/memory";
import { leaderStarted, nodeDescription, serviceSpec } from "../src/core/testing/builders.ts";
import { encodeEvent, EntryDraft, hashEntry, NO_ENTRY_HASH } from "../src/shell/log-codec.ts";

/** A log of a small cluster, with entries as far apart in time as the test wants. */
export class StoredLog {
  readonly clock: VirtualClock = virtualClock();
  readonly log: MemoryLog = memoryLog({ clock: this.clock });
  #lastHash = NO_ENTRY_HASH;

  /** An entry of these events, right after the last one. */
  append(...events: readonly ClusterEvent[]): number {
    const seq = (this.log.entries().at(-1)?.seq ?? 0) + 1;
    const draft = new EntryDraft({ seq, term: 1, atUnixMs: this.clock.nowUnixMs() });
    for (const event of events) draft.add(encodeEvent(event));
    const bytes = draft.encode(this.#lastHash);
    this.log.intrude(bytes);
    this.#lastHash = hashEntry(bytes);
    return seq;
  }

  /** Entries until the log ends at `seq`: a leader, a node, and then new versions of a workload. */
  growTo(seq: number, everyMs = 0): void {
    for (let next = this.log.entries().length === 0 ? 1 : this.#last + 1; next <= seq; next += 1) {
      if (everyMs > 0) this.clock.advance(everyMs);
      this.append(this.#eventAt(next));
    }
  }

  get #last(): number {
    return this.log.entries().at(-1)?.seq ?? 0;
  }

  #eventAt(seq: number): ClusterEvent {
    if (seq === 1) return leaderStarted(1);
    if (seq === 2) return { type: "NodeRegistered", node: nodeDescription(1) };
    const version = seq - 2;
    const spec = serviceSpec({ name: "web", count: 1 + (seq % 7) });
    return { type: "WorkloadApplied", workloadId: "default/web" as never, version, spec };
  }
}
