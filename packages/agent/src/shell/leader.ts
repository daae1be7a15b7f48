import {
  AgentHelloReply,
  AgentReportReply,
  type AllocationId,
  type AllocationReport,
  BerthError,
  type ClusterId,
  DesiredReply,
  type Fence,
  limits,
  MESSAGE_VERSION,
  type NodeDescription,
  type NodeId,
  subjects,
  WireError,
} from "@berth/protocol";
import type { Bus } from "@berth/runtime";
import { z } from "zod";
import { agentTimings } from "../limits.ts";

/** The three requests an agent makes. All reject with a `BerthError`. */
export class Leader {
  readonly #bus: Bus;
  readonly #nodeId: NodeId;
  #onStranger: () => void = () => {};

  constructor(bus: Bus, nodeId: NodeId) {
    this.#bus = bus;
    this.#nodeId = nodeId;
  }

  /** Calls `onStranger` whenever the leader says that it does not know this node. */
  whenStranger(onStranger: () => void): void {
    this.#onStranger = onStranger;
  }

  hello(
    description: NodeDescription,
    clusterId: ClusterId | null,
    applied: Fence | null,
    allocations: readonly AllocationReport[],
  ): Promise<AgentHelloReply> {
    const body = { ...this.#envelope(), description, clusterId, applied };
    const frame = { ...body, allocations: [], complete: false };
    const roomBytes = limits.messageBytesMax - JSON.stringify(frame).length;
    const fitting = withinBytes(allocations, roomBytes);
    const complete = fitting.length === allocations.length;
    return this.#ask("hello", { ...body, allocations: fitting, complete }, AgentHelloReply);
  }

  report(clusterId: ClusterId, reports: readonly AllocationReport[]): Promise<AgentReportReply> {
    return this.#ask("report", { ...this.#envelope(), clusterId, reports }, AgentReportReply);
  }

  desired(clusterId: ClusterId, after: AllocationId | null): Promise<DesiredReply> {
    return this.#ask("desired", { ...this.#envelope(), clusterId, after }, DesiredReply);
  }

  #envelope() {
    return { v: MESSAGE_VERSION, nodeId: this.#nodeId };
  }

  async #ask<T>(
    message: "hello" | "report" | "desired",
    body: unknown,
    schema: z.ZodType<T>,
  ): Promise<T> {
    const subject = subjects.agent(this.#nodeId, message);
    const timeoutMs = agentTimings.requestTimeoutMs;
    const answer = AnyReply.safeParse(await this.#bus.request(subject, body, { timeoutMs }));
    if (!answer.success) throw malformed(message, answer.error);
    if (!answer.data.ok) {
      const { error } = answer.data;
      if (error.code === "not_found" && message !== "hello") this.#onStranger();
      throw BerthError.fromWire(error);
    }
    const value = schema.safeParse(answer.data.value);
    if (!value.success) throw malformed(message, value.error);
    return value.data;
  }
}

const AnyReply = z.discriminatedUnion("ok", [
  z.object({ ok: z.literal(true), value: z.unknown() }),
  z.object({ ok: z.literal(false), error: WireError }),
]);

function malformed(message: string, cause: unknown): BerthError {
  return new BerthError("invalid", `the answer to ${message} is malformed`, { cause });
}

/** As many as fit into a message; what is left out is reported anyway. */
function withinBytes(reports: readonly AllocationReport[], bytesMax: number): AllocationReport[] {
  let bytes = 0;
  return reports.filter((report) => {
    bytes += JSON.stringify(report).length + 1;
    return bytes < bytesMax;
  });
}
