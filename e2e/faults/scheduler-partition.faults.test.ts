import type { ChildProcess } from "node:child_process";
import type { NatsBus } from "@berth/runtime/nats";
import { ensureNatsServer, minimumVersionFor } from "@berth/runtime/nats-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  berthExecutable,
  canMakeNamespaces,
  identify,
  isAlive,
  judgeLog,
  NetworkNamespace,
  ReplicatedCluster,
  schedulerParts,
  sound,
  Submitter,
  until,
} from "../src/index.ts";

const isPossible =
  (await canMakeNamespaces()) &&
  (await ensureNatsServer({ minimumVersion: minimumVersionFor(3) }).then(
    () => true,
    () => false,
  ));
const ACCEPT_TIMEOUT_MS = 60_000;

describe.skipIf(!isPossible)(
  "a scheduler behind a cable (needs the right to make network namespaces)",
  () => {
    const cluster = new ReplicatedCluster();
    let namespace: NetworkNamespace;
    let observer: NatsBus;
    let submitter: Submitter;
    let remote: ChildProcess;
    let said = "";

    beforeAll(async () => {
      await cluster.start("--no-examples");
      observer = await cluster.connect("scheduler");
      const buses = await Promise.all([1, 2, 3].map(() => cluster.connect("operator")));
      submitter = new Submitter({ buses, prefix: "load", intervalMs: 25, taskEvery: 20 });
      submitter.start();
      await submitter.acceptedAfter(0, ACCEPT_TIMEOUT_MS);
      await cluster.whole(observer);

      namespace = NetworkNamespace.create();
      const { natsUrl, credentials } = cluster.file();
      const ports = natsUrl.split(",").map((url) => Number(new URL(url).port));
      await Promise.all(ports.map((port) => namespace.relay(port)));
      const server = ports.map((port) => `nats://${namespace.hostAddress}:${port}`).join(",");
      const login = ["--server", server, "--credentials", credentials.scheduler.seedFile];
      remote = namespace.spawn(process.execPath, [berthExecutable, "scheduler", ...login]);
      for (const stream of [remote.stdout, remote.stderr]) {
        stream?.on("data", (chunk: Buffer) => (said += chunk.toString()));
      }
    });
    afterAll(async () => {
      await submitter.finish(0);
      await namespace.destroy();
      await cluster.destroy();
    });

    /** All others are frozen until it does. */
    async function letRemoteLead(): Promise<void> {
      const others = schedulerParts.flatMap((part) => cluster.part(part) ?? []);
      for (const { pid } of others) process.kill(pid, "SIGSTOP");
      try {
        await until("it leads", async () => (await cluster.leaderPid(observer)) === remote.pid);
      } finally {
        for (const { pid } of others) process.kill(pid, "SIGCONT");
      }
    }

    it("[INV3][INV4] that leads and is cut off is replaced, writes nothing when the cable is back, and can lead again", async () => {
      await letRemoteLead();
      await submitter.acceptedAfter(performance.now(), ACCEPT_TIMEOUT_MS);
      const self = identify(remote.pid ?? 0);

      const saidBefore = said.length;
      namespace.cut();
      await submitter.acceptedAfter(performance.now(), ACCEPT_TIMEOUT_MS);
      const successor = await until("another one leads", () => cluster.leaderPid(observer));
      expect(successor).not.toBe(remote.pid);
      await until("it has noticed by itself", () => said.length > saidBefore);
      namespace.heal();
      await letRemoteLead();
      await submitter.acceptedAfter(performance.now(), ACCEPT_TIMEOUT_MS);

      expect(self !== null && isAlive(self)).toBe(true);
      expect(await judgeLog(observer, submitter.accepted)).toEqual(sound);
    });
  },
);
