import type { EventView } from "@berth/protocol";
import { BerthError } from "@berth/protocol";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { clockTime } from "../output/format-values.ts";
import { makeHarmless } from "../output/harmless-text.ts";

export interface EventsOptions {
  readonly follow?: true;
  readonly since?: number;
  readonly workload?: string;
  readonly node?: string;
}

const PAGE = 1_000;
const SHOWN_DEFAULT = 50;
const WAIT_MS = 10_000;

/** `berth events`: without `--since`, the newest 50. */
export async function events(context: Context, options: EventsOptions): Promise<ExitCode> {
  const filter = { workload: options.workload ?? null, node: options.node ?? null };
  const { since } = options;
  const isRecent = (event: EventView) =>
    since === undefined || event.atUnixMs >= Date.now() - since;
  const limit = since === undefined ? SHOWN_DEFAULT : PAGE;
  const first = await context.client.call("event.list", { newest: true, limit, ...filter });
  const shown = first.events.filter(isRecent);
  if (context.format === "json" && !options.follow) {
    context.printJson({ ...first, events: shown });
    return exitCodes.done;
  }
  for (const event of shown) printEvent(context, event);
  if (!options.follow) return exitCodes.done;
  await follow(context, first.seq, filter);
  return exitCodes.interrupted;
}

async function follow(
  context: Context,
  fromSeq: number,
  filter: { workload: string | null; node: string | null },
): Promise<void> {
  const { client, interrupted: signal } = context;
  let afterSeq = fromSeq;
  while (!signal.aborted) {
    const request = { afterSeq, limit: PAGE, waitMs: WAIT_MS, ...filter };
    try {
      const page = await client.call("event.list", request, { waitMs: WAIT_MS, signal });
      if (page.gap) context.note("--- some events between are no longer remembered ---");
      for (const event of page.events) printEvent(context, event);
      // A full page may have been cut; an empty one says how far the state has come.
      afterSeq = page.events.length < PAGE ? page.seq : (page.events.at(-1)?.seq ?? page.seq);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof BerthError) || !error.retryable) throw error;
      context.note(`--- ${error.message}; trying again ---`);
    }
  }
}

function printEvent(context: Context, event: EventView): void {
  const { out } = context.terminal;
  if (context.isJson) context.print(JSON.stringify(event));
  else if (context.format === "name") context.print(`${event.seq}.${event.position}`);
  else {
    const head = `${clockTime(event.atUnixMs)}  ${String(event.seq).padStart(6)}`;
    context.print(
      `${out.paint("dim", head)}  ${event.type.padEnd(24)} ${makeHarmless(event.message)}`,
    );
  }
}
