import { open, rename, rm } from "node:fs/promises";
import { BerthError } from "@berth/protocol";
import { type LogFlags, withLog } from "../cluster/open-log.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { formatBytes } from "../output/format-values.ts";
import { LogProgress } from "../output/log-progress.ts";

export interface ExportFlags extends LogFlags {
  readonly force?: true;
}

/** `berth log export`: a backup in one file, whole or not at all. */
export async function logExport(
  context: Context,
  path: string,
  flags: ExportFlags,
): Promise<ExitCode> {
  const { exportLog } = await import("@berth/scheduler/log-tools");
  const progress = new LogProgress(context, "wrote");
  const draft = `${path}.${process.pid}.new`;
  let last = 0;
  let bytes = 0;
  const file = await open(draft, "wx", 0o600).catch((cause: unknown) => {
    throw fileError(path, cause);
  });
  try {
    if (!flags.force) await requireNew(path);
    await withLog(context, flags, { create: false }, async (log) => {
      const onProgress = (step: { seq: number; last: number }) => {
        last = step.last;
        progress.update(step.seq, step.last);
      };
      for await (const part of exportLog(log, { nowUnixMs: Date.now(), onProgress })) {
        await file.write(part);
        bytes += part.length;
      }
    });
    await file.sync();
    await rename(draft, path);
  } catch (cause) {
    await rm(draft, { force: true });
    throw fileError(path, cause);
  } finally {
    await file.close();
    progress.end();
  }
  if (context.isJson) context.printJson({ file: path, last, bytes });
  else context.print(`wrote ${path}: the log up to entry ${last}, ${formatBytes(bytes)}`);
  return exitCodes.done;
}

async function requireNew(path: string): Promise<void> {
  const existing = await open(path, "r").catch(() => null);
  if (existing === null) return;
  await existing.close();
  throw new BerthError("conflict", `${path} exists`, { hint: "Replace it with --force." });
}

function fileError(path: string, cause: unknown): unknown {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : null;
  if (code === null || !(cause instanceof Error) || !/^E[A-Z]+$/.test(code)) return cause;
  return new BerthError("invalid", `cannot write ${path}: ${cause.message}`, { cause });
}
