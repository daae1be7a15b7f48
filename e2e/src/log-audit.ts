import { LogEntry } from "@berth/protocol";
import { hashEntry } from "@berth/runtime";
import { type NatsBus, natsLog } from "@berth/runtime/nats";
import { until } from "./until.ts";

/** What a whole log says about itself, whatever any scheduler says about it. */
export interface LogAudit {
  readonly entries: number;
  /** Sequence and term of each `LeaderStarted`, in order. */
  readonly reigns: readonly { readonly seq: number; readonly term: number }[];
  /** Sequences of entries that a deposed leader wrote: of a term older than one before them. */
  readonly staleEntries: readonly number[];
  /** Sequences of entries whose `previous` is not the hash of the entry before them. */
  readonly brokenLinks: readonly number[];
  /** `<workload>[<index>]`, once for each placement made while another of it was live. */
  readonly doubled: readonly string[];
  /** Ids of all workloads ever accepted. */
  readonly applied: ReadonlySet<string>;
}

/**
 * Reads the log from its first entry to its last one and checks it by rules of its own. A stream
 * that has just elected its leader may refuse a reader for a moment more: it is asked again.
 */
export function auditLog(bus: NatsBus): Promise<LogAudit> {
  return until("the log can be read", () => auditOnce(bus));
}

async function auditOnce(bus: NatsBus): Promise<LogAudit> {
  const log = natsLog(bus);
  const { first } = await log.bounds();
  const reigns: { seq: number; term: number }[] = [];
  const staleEntries: number[] = [];
  const brokenLinks: number[] = [];
  const places = new Places();
  const applied = new Set<string>();
  let entries = 0;
  let newestTerm = 0;
  let previous: string | null = null;
  for await (const { seq, bytes } of log.read(first)) {
    const entry = LogEntry.parse(JSON.parse(new TextDecoder().decode(bytes)));
    entries += 1;
    if (previous !== null && entry.previous !== previous) brokenLinks.push(seq);
    previous = hashEntry(bytes);
    if (entry.term < newestTerm) staleEntries.push(seq);
    newestTerm = Math.max(newestTerm, entry.term);
    for (const event of entry.events) {
      if (event.type === "LeaderStarted") reigns.push({ seq, term: event.term });
      if (event.type === "WorkloadApplied") applied.add(event.workloadId);
      places.apply(event);
    }
  }
  return { entries, reigns, staleEntries, brokenLinks, doubled: places.doubled, applied };
}

/** What is wrong with a log, by kind; all empty when it is sound. */
export interface Unsoundness extends Pick<LogAudit, "staleEntries" | "brokenLinks" | "doubled"> {
  /** Terms that did not begin above every one before. */
  readonly unorderedTerms: readonly number[];
  /** Workloads of the given names that were never accepted. */
  readonly lost: readonly string[];
}

export const sound: Unsoundness = {
  staleEntries: [],
  brokenLinks: [],
  doubled: [],
  unorderedTerms: [],
  lost: [],
};

/** Audits the log, in which every workload that was acknowledged until now must be. */
export async function judgeLog(
  bus: NatsBus,
  acknowledged: readonly { readonly name: string }[],
): Promise<Unsoundness> {
  const names = acknowledged.map(({ name }) => name);
  const { staleEntries, brokenLinks, doubled, reigns, applied } = await auditLog(bus);
  const terms = reigns.map(({ term }) => term);
  const unorderedTerms = terms.filter(
    (term, index) => term <= Math.max(0, ...terms.slice(0, index)),
  );
  const lost = names.filter((name) => !applied.has(`default/${name}`));
  return { staleEntries, brokenLinks, doubled, unorderedTerms, lost };
}

/** Who holds each index of each workload. */
class Places {
  readonly doubled: string[] = [];
  readonly #holders = new Map<string, string>();
  readonly #placeOf = new Map<string, string>();

  apply(event: LogEntry["events"][number]): void {
    if (event.type === "AllocationPlaced") {
      const place = `${event.workloadId}[${event.index}]`;
      if (this.#holders.has(place)) this.doubled.push(place);
      this.#holders.set(place, event.allocationId);
      this.#placeOf.set(event.allocationId, place);
    }
    if (event.type === "AllocationFinished") {
      const place = this.#placeOf.get(event.allocationId);
      if (place !== undefined && this.#holders.get(place) === event.allocationId) {
        this.#holders.delete(place);
      }
    }
  }
}
