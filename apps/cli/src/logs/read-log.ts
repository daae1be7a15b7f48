import { setTimeout as delay } from "node:timers/promises";
import { type AllocationView, BerthError, limits, type LogsReply, subjects } from "@berth/protocol";
import type { Context } from "../context.ts";
import type { LogPrinter } from "./log-printer.ts";

export interface LogSource {
  readonly allocation: AllocationView;
  readonly stream: "stdout" | "stderr";
}

export interface ReadLogOptions {
  readonly follow?: true;
  readonly tail?: number;
}

const WAIT_MS = 5_000;
const RETRY_WAIT_MS = 500;

/**
 * Pulls one stream of one allocation from its agent, chunk by chunk: to the end of what is there,
 * or with `follow` to the end of the task, across failures on the way.
 */
export async function readLog(
  context: Context,
  source: LogSource,
  { follow, tail }: ReadLogOptions,
  printer: LogPrinter,
): Promise<void> {
  const signal = context.interrupted;
  let offset = 0;
  let tailLines = tail ?? null;
  while (!signal.aborted) {
    try {
      const chunk = await pull(context, source, {
        offset,
        tailLines,
        waitMs: follow ? WAIT_MS : 0,
      });
      tailLines = null;
      offset = chunk.nextOffset;
      if (chunk.skippedBytes > 0) printer.gap(source, chunk.skippedBytes);
      if (chunk.data !== "") printer.print(source, Buffer.from(chunk.data, "base64"));
      if (chunk.end || (!follow && chunk.data === "")) break;
    } catch (error) {
      if (signal.aborted) break;
      if (!(error instanceof BerthError)) throw error;
      if (isNotThereYet(source, error) && !follow) break;
      if (!follow || !(error.retryable || isNotThereYet(source, error))) throw error;
      await delay(RETRY_WAIT_MS);
    }
  }
  printer.end(source);
}

/** Placed a moment ago: its agent has not heard of it. */
function isNotThereYet({ allocation }: LogSource, error: BerthError): boolean {
  return (
    error.code === "not_found" &&
    (allocation.status === "placed" || allocation.startedAtUnixMs === null)
  );
}

async function pull(
  context: Context,
  { allocation, stream }: LogSource,
  { offset, tailLines, waitMs }: { offset: number; tailLines: number | null; waitMs: number },
): Promise<LogsReply> {
  const request = {
    v: 1,
    allocationId: allocation.id,
    stream,
    offset,
    tailLines,
    maxBytes: limits.logChunkBytesMax,
    waitMs,
  };
  const signal = context.interrupted;
  const subject = subjects.node(allocation.node, "logs");
  return (await context.client.request(subject, request, { waitMs, signal })) as LogsReply;
}
