import { ensureNatsServer, minimumVersionFor } from "@berth/runtime/nats-server";
import type { NatsBus } from "@berth/runtime/nats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isAlive, judgeLog, ReplicatedCluster, sound, Submitter, until } from "../src/index.ts";

const isPossible = await ensureNatsServer({ minimumVersion: minimumVersionFor(3) }).then(
  () => true,
  () => false,
);
const ACCEPT_TIMEOUT_MS = 60_000;

describe.skipIf(!isPossible)(
  "three schedulers on a log of three copies (needs a nats-server that may be one of several)",
  () => {
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
    });
    afterAll(async () => {
      await submitter.finish(0);
      await cluster.destroy();
    });

    it("[INV3][INV4] survives kill -9 of the scheduler that leads: another one goes on, nothing is lost", async () => {
      await cluster.whole(observer);
      const leader = await cluster.leader(observer);
      const killed = cluster.kill(leader);
      await submitter.acceptedAfter(performance.now(), ACCEPT_TIMEOUT_MS);
      expect(isAlive(killed)).toBe(false);
      await cluster.whole(observer);
      expect(cluster.part(leader)?.pid).not.toBe(killed.pid);
      expect(await judgeLog(observer, submitter.accepted)).toEqual(sound);
    });

    it("[INV3][INV4] survives kill -9 of the server that leads the log's stream", async () => {
      await cluster.whole(observer);
      const leader = await cluster.engineLeader(observer);
      cluster.kill(leader);
      await submitter.acceptedAfter(performance.now(), ACCEPT_TIMEOUT_MS);
      await cluster.whole(observer);
      expect(await judgeLog(observer, submitter.accepted)).toEqual(sound);
    });

    it("[INV4] a leader that is frozen until another leads writes nothing when it wakes", async () => {
      await cluster.whole(observer);
      const { part, wake } = await cluster.freezeLeader(observer);
      try {
        await submitter.acceptedAfter(performance.now(), ACCEPT_TIMEOUT_MS);
        expect(await until("another one leads", () => cluster.leader(observer))).not.toBe(part);
      } finally {
        wake();
      }
      await cluster.hasNoticed(part);
      await submitter.acceptedAfter(performance.now(), ACCEPT_TIMEOUT_MS);
      expect(await judgeLog(observer, submitter.accepted)).toEqual(sound);
    });
  },
);
