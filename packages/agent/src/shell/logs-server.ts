import {
  BerthError,
  type ErrorCode,
  limits,
  LogsRequest,
  type LogsReply,
  type NodeId,
  type Reply,
  subjects,
} from "@berth/protocol";
import type { Bus, Clock, Logger, Message, Subscription } from "@berth/runtime";
import { agentLimits, agentTimings } from "../limits.ts";
import { LOG_STREAMS, LogFiles } from "./log-files.ts";
import type { Supervisor } from "./supervisor.ts";
import type { TaskRun } from "./task-run.ts";
import { watchPath } from "./watch-folder.ts";

export interface LogsServerOptions {
  readonly bus: Bus;
  readonly nodeId: NodeId;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly supervisor: Supervisor;
}

/** Answers `berth.node.<node>.logs` one chunk at a time, and keeps the files from growing. */
export class LogsServer {
  readonly #options: LogsServerOptions;
  readonly #subscription: Subscription;
  readonly #rotation: { cancel(): void };
  readonly #waiters = new Set<() => void>();

  constructor(options: LogsServerOptions) {
    this.#options = options;
    const { bus, clock, nodeId } = options;
    this.#subscription = bus.subscribe(subjects.node(nodeId, "logs"), (message) =>
      this.#receive(message),
    );
    this.#rotation = clock.every(agentTimings.logRotationIntervalMs, () => this.#rotateAll());
  }

  close(): void {
    this.#subscription.unsubscribe();
    this.#rotation.cancel();
    for (const wake of this.#waiters) wake();
  }

  #receive({ body, respond }: Message): void {
    const parsed = LogsRequest.safeParse(body);
    if (!parsed.success) {
      this.#options.logger.count("logs.invalid", "a request for logs is malformed");
      respond?.(refuse("invalid", "not a request for logs", false));
      return;
    }
    this.#answer(parsed.data).then(
      (reply) => respond?.(reply),
      (error: unknown) => {
        this.#options.logger.count("logs.failed", "cannot read logs", { error });
        respond?.(refuse("internal", "the agent cannot read these logs", true));
      },
    );
  }

  async #answer(request: LogsRequest): Promise<Reply<LogsReply>> {
    const task = this.#options.supervisor.tasks.get(request.allocationId);
    if (task === undefined) {
      const message = `this node has no logs of ${request.allocationId} any more`;
      return refuse("not_found", message, false);
    }
    const files = new LogFiles(task.folder.logsPath, request.stream);
    const from =
      request.tailLines === null ? request.offset : files.offsetOfLastLines(request.tailLines);
    const reply = readChunk(task, files, from, request.maxBytes);
    const isEmpty = reply.nextOffset === reply.offset;
    if (!isEmpty || reply.end || request.waitMs === 0) return { ok: true, value: reply };
    if (this.#waiters.size >= agentLimits.logWaitersMax) {
      return refuse("overloaded", "too many are following logs on this node", true);
    }
    await this.#somethingAfter(reply.nextOffset, task, files, request.waitMs);
    return { ok: true, value: readChunk(task, files, reply.offset, request.maxBytes) };
  }

  /** Resolves when the log goes beyond the offset, the task ends or the time is over. */
  #somethingAfter(offset: number, task: TaskRun, files: LogFiles, waitMs: number): Promise<void> {
    const { clock, supervisor } = this.#options;
    const id = task.allocation.allocationId;
    return new Promise((resolve) => {
      const wake = () => {
        if (!this.#waiters.delete(wake)) return;
        watcher.close();
        timer.cancel();
        ending.unsubscribe();
        resolve();
      };
      this.#waiters.add(wake);
      const timer = clock.after(Math.min(waitMs, limits.longPollMsMax), wake);
      const ending = supervisor.onFinish((finished) => {
        if (finished === id) wake();
      });
      const watcher = watchPath(files.currentFile, clock, agentTimings.watchFallbackMs, wake);
      // The task may have written, or ended, before the watch was there.
      if (files.endOffset() > offset || task.phase === "finished") wake();
    });
  }

  #rotateAll(): void {
    for (const task of this.#options.supervisor.tasks.values()) {
      if (task.phase === "finished") continue;
      for (const stream of LOG_STREAMS) {
        try {
          const files = new LogFiles(task.folder.logsPath, stream);
          files.rotateIfLarge(agentLimits.logFileBytesMax, agentLimits.logFilesMax);
        } catch (error) {
          this.#options.logger.count("logs.rotate", "cannot rotate a log", { error });
        }
      }
    }
  }
}

function readChunk(task: TaskRun, files: LogFiles, from: number, maxBytes: number): LogsReply {
  // Asked before reading: what ends in between is then read once more instead of being cut off.
  const isOver = task.phase === "finished";
  const chunk = files.read(from, Math.min(maxBytes, limits.logChunkBytesMax));
  return {
    offset: chunk.offset,
    nextOffset: chunk.nextOffset,
    skippedBytes: chunk.skippedBytes,
    data: chunk.data.toString("base64"),
    end: isOver && chunk.nextOffset === chunk.endOffset,
  };
}

function refuse(code: ErrorCode, message: string, retryable: boolean): Reply<never> {
  return { ok: false, error: new BerthError(code, message, { retryable }).toWire() };
}
