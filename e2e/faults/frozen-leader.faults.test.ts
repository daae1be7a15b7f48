import type { NatsBus } from "@berth/runtime/nats";
import { ensureNatsServer, minimumVersionFor } from "@berth/runtime/nats-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { judgeLog, ReplicatedCluster, sound, Submitter } from "../src/index.ts";

const isPossible = await ensureNatsServer({ minimumVersion: minimumVersionFor(3) }).then(
  () => true,
  () => false,
);
const FROZEN_MS = 30_000;
const ACCEPT_TIMEOUT_MS = 60_000;

describe.skipIf(!isPossible)("a leader that is frozen for 30 s under load", () => {
  const cluster = new ReplicatedCluster();
  let observer: NatsBus;
  let submitter: Submitter;

  beforeAll(async () => {
    await cluster.start("--no-examples");
    observer = await cluster.connect("scheduler");
    const buses = await Promise.all([1, 2, 3].map(() => cluster.connect("operator")));
    submitter = new Submitter({ buses, prefix: "load", intervalMs: 25, taskEvery: 20 });
    submitter.start();
    await submitter.acceptedAfter(0, ACCEPT_TIMEOUT_MS);
    await cluster.whole(observer);
  });
  afterAll(async () => {
    await submitter.finish(0);
    await cluster.destroy();
  });

  it("[INV3][INV4] writes nothing when it wakes; who led meanwhile goes on", async () => {
    const { part, wake } = await cluster.freezeLeader(observer);
    try {
      // The length of the freeze is what is tested here: it must outlast every time-out there is.
      await new Promise((resolve) => setTimeout(resolve, FROZEN_MS));
      await submitter.acceptedAfter(performance.now(), ACCEPT_TIMEOUT_MS);
    } finally {
      wake();
    }
    await cluster.hasNoticed(part);
    await submitter.acceptedAfter(performance.now(), ACCEPT_TIMEOUT_MS);
    expect(await judgeLog(observer, submitter.accepted)).toEqual(sound);
  });
});
