import type { AllocationId, AllocationReport } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { acknowledge, emptyQueue, enqueue, nextBatch } from "./report-queue.ts";

describe("the report queue", () => {
  const running = (id: string, pid: number): AllocationReport => ({
    state: "running",
    allocationId: id as AllocationId,
    startedAtUnixMs: 1,
    pid,
    health: "none",
    message: null,
  });
  const finished = (id: string): AllocationReport => ({
    state: "finished",
    allocationId: id as AllocationId,
    outcome: "complete",
    exit: { kind: "code", code: 0 },
    startedAtUnixMs: 1,
    finishedAtUnixMs: 2,
    message: null,
  });

  test("keeps the latest of each allocation, and an end for good", () => {
    let queue = enqueue(enqueue(emptyQueue, running("a1", 1)), running("a1", 2));
    expect(nextBatch(queue, 9)).toEqual([running("a1", 2)]);
    queue = enqueue(enqueue(queue, finished("a1")), running("a1", 3));
    expect(nextBatch(queue, 9)).toEqual([finished("a1")]);
  });

  test("sends ends first and no more than a message holds", () => {
    let queue = emptyQueue;
    for (const report of [running("a1", 1), finished("a2"), running("a3", 3)])
      queue = enqueue(queue, report);
    expect(nextBatch(queue, 2)).toEqual([finished("a2"), running("a1", 1)]);
  });

  test("keeps what has come while a message was on its way", () => {
    const before = enqueue(emptyQueue, running("a1", 1));
    const sent = nextBatch(before, 9);
    const queue = acknowledge(enqueue(before, finished("a1")), sent);
    expect(nextBatch(queue, 9)).toEqual([finished("a1")]);
    expect(nextBatch(acknowledge(queue, nextBatch(queue, 9)), 9)).toEqual([]);
  });
});
