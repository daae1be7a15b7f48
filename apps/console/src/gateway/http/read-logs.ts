import {
  type AllocationId,
  BerthError,
  limits,
  LogsReply,
  type LogsRequest,
  MESSAGE_VERSION,
  subjects,
  WireError,
} from "@berth/protocol";
import type { Bus } from "@berth/runtime";
import { z } from "zod";
import { gatewayTimings } from "../limits.ts";
import type { ReadApi } from "./read-api.ts";

const Count = z.coerce.number().int();

/** The query of a log request. `tail` in lines, `wait` in milliseconds. */
export const LogsQuery = z.object({
  stream: z.enum(["stdout", "stderr"]).default("stdout"),
  offset: Count.default(0),
  tail: Count.min(0).max(100_000).nullable().default(null),
  wait: Count.min(0).max(limits.longPollMsMax).default(0),
});
export type LogsQuery = z.infer<typeof LogsQuery>;

/** One chunk of an allocation's output, from the agent that has it. */
export async function readLogs(
  components: { readonly bus: Bus; readonly readApi: ReadApi },
  allocation: string,
  query: LogsQuery,
): Promise<LogsReply> {
  const { bus, readApi } = components;
  const { id, node, nodeName } = readApi.query("allocation.get", { allocation });
  const request: LogsRequest = {
    v: MESSAGE_VERSION,
    allocationId: id,
    stream: query.stream,
    offset: query.offset,
    tailLines: query.tail,
    maxBytes: limits.logChunkBytesMax,
    waitMs: query.wait,
  };
  const timeoutMs = query.wait + gatewayTimings.logsTimeoutMs;
  const answer = await bus.request(subjects.node(node, "logs"), request, { timeoutMs });
  return parseAnswer(answer, id, nodeName);
}

function parseAnswer(answer: unknown, id: AllocationId, nodeName: string): LogsReply {
  const Answer = z.discriminatedUnion("ok", [
    z.object({ ok: z.literal(true), value: LogsReply }),
    z.object({ ok: z.literal(false), error: WireError }),
  ]);
  const parsed = Answer.safeParse(answer);
  if (!parsed.success) {
    throw new BerthError("internal", `${nodeName} answered unintelligibly about ${id}`);
  }
  if (!parsed.data.ok) throw BerthError.fromWire(parsed.data.error);
  return parsed.data.value;
}
