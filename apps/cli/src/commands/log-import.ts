import { createReadStream } from "node:fs";
import { access } from "node:fs/promises";
import { BerthError } from "@berth/protocol";
import { type LogFlags, withLog } from "../cluster/open-log.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { LogProgress } from "../output/log-progress.ts";

const PIECE_BYTES = 1024 * 1024;

/** `berth log import`: a backup into a home, or an engine, that has no log yet. */
export async function logImport(
  context: Context,
  path: string,
  flags: LogFlags,
): Promise<ExitCode> {
  const { importLog } = await import("@berth/scheduler/log-tools");
  await access(path).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BerthError("not_found", `cannot read ${path}: ${why}`, { cause });
  });
  const progress = {
    checking: new LogProgress(context, "checked"),
    importing: new LogProgress(context, "imported"),
  };
  const report = await withLog(context, flags, { create: true }, (log) =>
    importLog(log, {
      open: () => createReadStream(path, { highWaterMark: PIECE_BYTES }),
      nowUnixMs: Date.now(),
      restartEngine: log.restartEngine,
      onProgress: ({ step, seq, last }) => progress[step].update(seq, last),
    }),
  ).finally(() => {
    progress.checking.end();
    progress.importing.end();
  });
  if (context.isJson) {
    context.printJson(report);
    return exitCodes.done;
  }
  const { first, last, resumedAfter, stateHash } = report;
  const resumed = resumedAfter === null ? "" : `, going on after entry ${resumedAfter}`;
  context.print(`imported entries ${first} to ${last}${resumed}`);
  context.print(`state  ${stateHash}`);
  return exitCodes.done;
}
