import type { AllocationView, WorkloadView } from "@berth/protocol";
import { BerthError } from "@berth/protocol";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { LogPrinter } from "../logs/log-printer.ts";
import { type LogSource, readLog } from "../logs/read-log.ts";

export interface LogsOptions {
  readonly follow?: true;
  readonly tail?: number;
  readonly index?: number;
  readonly stdout?: true;
  readonly stderr?: true;
}

const EVENT_WAIT_MS = 10_000;
const FINAL: readonly WorkloadView["status"][] = ["complete", "failed", "stopped"];

/**
 * `berth logs`: of an allocation, or of the newest allocation of each index of a workload. Following
 * a workload goes on with the allocations that replace these.
 */
export async function logs(
  context: Context,
  name: string,
  options: LogsOptions,
): Promise<ExitCode> {
  const followed = new Followed(context, options);
  if (/^a[1-9]\d*$/.test(name)) {
    await followed.add([await context.client.call("allocation.get", { allocation: name })]);
    return followed.end();
  }
  const detail = await context.client.call("workload.get", { workload: name });
  const chosen = newestOfEachIndex(detail.allocations, options.index);
  if (chosen.length === 0 && options.index !== undefined && detail.allocations.length > 0) {
    throw new BerthError("not_found", `${detail.id} has no instance [${options.index}]`);
  }
  if (chosen.length === 0) context.note(nothingYet(detail));
  const reading = followed.add(chosen);
  if (options.follow) await followReplacements(context, detail.id, options, followed);
  await reading;
  return followed.end();
}

function nothingYet({ id, reason }: WorkloadView): string {
  return `${id} has not run yet${reason === null ? "" : `: ${reason}`}`;
}

function newestOfEachIndex(
  allocations: readonly AllocationView[],
  only: number | undefined,
): AllocationView[] {
  const newest = new Map<number, AllocationView>();
  for (const allocation of allocations) {
    const { index } = allocation;
    if (only !== undefined && index !== only) continue;
    const known = newest.get(index);
    if (!known || numberOf(allocation) > numberOf(known)) newest.set(index, allocation);
  }
  return [...newest.values()].toSorted((a, b) => a.index - b.index);
}

function numberOf({ id }: AllocationView): number {
  return Number(id.slice(1));
}

/** Until nothing of the workload can start any more, or Ctrl-C. */
async function followReplacements(
  context: Context,
  workload: string,
  { index }: LogsOptions,
  followed: Followed,
): Promise<void> {
  const { client, interrupted: signal } = context;
  let afterSeq = 0;
  while (!signal.aborted) {
    try {
      const { seq } = await client.call("event.list", { newest: true, limit: 1 }, { signal });
      const detail = await client.call("workload.get", { workload }, { signal });
      void followed.add(newestOfEachIndex(detail.allocations, index));
      if (FINAL.includes(detail.status)) return await followed.settled();
      afterSeq = seq;
      const request = { afterSeq, limit: 1, waitMs: EVENT_WAIT_MS, workload };
      await client.call("event.list", request, { waitMs: EVENT_WAIT_MS, signal });
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof BerthError && error.code === "not_found")
        return await followed.settled();
      if (!(error instanceof BerthError) || !error.retryable) throw error;
    }
  }
}

/** The logs being read, each allocation's once. */
class Followed {
  readonly #context: Context;
  readonly #options: LogsOptions;
  readonly #printer: LogPrinter;
  readonly #readers = new Map<string, Promise<void>>();

  constructor(context: Context, options: LogsOptions) {
    this.#context = context;
    this.#options = options;
    this.#printer = new LogPrinter(context);
  }

  /** Reads to the end of what is there; with `--follow` to the end of the task. */
  async add(allocations: readonly AllocationView[]): Promise<void> {
    const fresh = allocations.filter(({ id }) => !this.#readers.has(id));
    this.#printer.expect(this.#readers.size + fresh.length);
    for (const allocation of fresh) {
      const reader = this.#read(allocation);
      this.#readers.set(allocation.id, reader);
      // One after the other, unless they go on: then side by side.
      if (!this.#options.follow) await reader;
    }
    await this.settled();
  }

  async settled(): Promise<void> {
    await Promise.all(this.#readers.values());
  }

  end(): ExitCode {
    return this.#context.interrupted.aborted ? exitCodes.interrupted : exitCodes.done;
  }

  async #read(allocation: AllocationView): Promise<void> {
    const sources = streamsOf(this.#options).map((stream): LogSource => ({ allocation, stream }));
    const readers = sources.map(
      (source) => () => readLog(this.#context, source, this.#options, this.#printer),
    );
    if (this.#options.follow) await Promise.all(readers.map((read) => read()));
    else for (const read of readers) await read();
  }
}

function streamsOf({ stdout, stderr }: LogsOptions): LogSource["stream"][] {
  if (stdout && !stderr) return ["stdout"];
  if (stderr && !stdout) return ["stderr"];
  return ["stdout", "stderr"];
}
