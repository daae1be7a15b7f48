import { describe, expect, test } from "vitest";
import { nextWakeUnixMs } from "../evaluate/wake.ts";
import { batchSpec, serviceSpec, T0_UNIX_MS } from "../testing/builders.ts";
import { QueueCluster } from "../testing/queue-cluster.ts";

const limited = { placement: { timeLimitMs: 60_000 } };

describe("a time limit", () => {
  test("wakes the scheduler, which stops what has run that long; a batch has failed then", () => {
    const cluster = new QueueCluster().join(1);
    cluster.apply(batchSpec(limited));
    expect(nextWakeUnixMs(cluster.state)).toBeNull();
    cluster.startAll();
    expect(nextWakeUnixMs(cluster.state)).toBe(T0_UNIX_MS + 60_000);
    cluster.nowUnixMs = T0_UNIX_MS + 59_999;
    expect(cluster.settle()).toEqual([]);
    cluster.nowUnixMs = T0_UNIX_MS + 60_000;
    const { id } = cluster.only("job");
    expect(cluster.settle()).toContainEqual({
      type: "AllocationStopRequested",
      allocationId: id,
      reason: "time.limit",
    });
    expect(nextWakeUnixMs(cluster.state)).toBeNull();
    cluster.endStopping().settle();
    expect(cluster.workload("job").counts).toMatchObject({ failed: 1, complete: 0 });
    expect(cluster.workload("job").slots.get(0)?.lastFailure).toBe("ran as long as it may");
  });

  test("does not touch what has ended, or what is being stopped already", () => {
    const cluster = new QueueCluster().join(1);
    cluster.apply(batchSpec({ count: 2, ...limited }));
    cluster.startAll();
    const [first] = cluster.live("job");
    if (first) cluster.end(first, "complete");
    cluster.command("workload.stop", { workload: "job" });
    cluster.settle();
    expect(nextWakeUnixMs(cluster.state)).toBeNull();
    cluster.nowUnixMs += 60_000;
    expect(cluster.settle()).toEqual([]);
  });

  test("that is changed holds for what runs already, and restarts nothing", () => {
    const cluster = new QueueCluster().join(1);
    cluster.apply(batchSpec(limited));
    cluster.startAll();
    const { id } = cluster.only("job");
    cluster.submit(batchSpec({ placement: { timeLimitMs: 90_000 } }), 2).settle();
    expect(cluster.only("job").id).toBe(id);
    expect(nextWakeUnixMs(cluster.state)).toBe(T0_UNIX_MS + 90_000);
    cluster.submit(batchSpec(), 3).settle();
    expect(nextWakeUnixMs(cluster.state)).toBeNull();
  });

  test("gives a service a new start, which is no failure", () => {
    const cluster = new QueueCluster().join(1);
    cluster.apply(serviceSpec(limited));
    cluster.startAll();
    cluster.nowUnixMs += 60_000;
    cluster.settle();
    cluster.endStopping().settle();
    expect(cluster.only("web")).toMatchObject({ status: "placed", attempt: 2 });
    expect(cluster.workload("web").slots.get(0)?.failuresAtUnixMs).toEqual([]);
  });
});
