import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AllocationView, RequestId } from "@berth/protocol";
import { connectBus, type NatsBus } from "@berth/runtime/nats";
import {
  ensureNatsServer,
  type NatsServer,
  prepareCredentials,
  startNatsServer,
} from "@berth/runtime/nats-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  berthExecutable,
  callApi,
  canMakeNamespaces,
  identify,
  isAlive,
  judgeLog,
  NetworkNamespace,
  type ProcessIdentity,
  processesWithEnvironment,
  sound,
  until,
} from "../src/index.ts";

const isPossible = await canMakeNamespaces();

describe.skipIf(!isPossible)(
  "an agent behind a cable (needs the right to make network namespaces)",
  () => {
    const home = mkdtempSync(join(tmpdir(), "berth-cable-"));
    const here: ChildProcess[] = [];
    let namespace: NetworkNamespace;
    let server: NatsServer;
    let scheduler: NatsBus;
    let operator: NatsBus;
    let clusterId = "";

    beforeAll(async () => {
      const [{ path }, far] = await Promise.all([
        ensureNatsServer(),
        prepareCredentials(join(home, "far-credentials")),
      ]);
      server = await startNatsServer({ path, home, agentKeys: [far.agent.publicKey] });
      const { credentials, url, port } = server;
      const login = (url: string, seedFile: string) => ["--server", url, "--credentials", seedFile];
      run("scheduler", ...login(url, credentials.scheduler.seedFile));
      run("agent", ...login(url, credentials.agent.seedFile), ...agentFlags("near", "21000-21099"));

      namespace = NetworkNamespace.create();
      await namespace.relay(port);
      const farUrl = `nats://${namespace.hostAddress}:${port}`;
      namespace.spawn(process.execPath, [
        berthExecutable,
        "agent",
        ...login(farUrl, far.agent.seedFile),
        ...agentFlags("far", "21100-21199"),
      ]);
      const join1 = (role: "scheduler" | "operator") =>
        connectBus({ servers: url, seedFile: credentials[role].seedFile, name: role });
      [scheduler, operator] = [await join1("scheduler"), await join1("operator")];
      await until("both nodes are ready", async () => {
        const { nodes, clusterId: id } = await callApi(operator, "cluster.status", {});
        clusterId = id;
        return nodes.ready === 2;
      });
    });
    afterAll(async () => {
      await Promise.all([scheduler.close(), operator.close()]);
      const ends = here.map((child) => once(child, "exit"));
      for (const child of here) child.kill("SIGKILL");
      await Promise.all(ends);
      await namespace.destroy();
      await server.stop();
      for (const { pid } of processesWithEnvironment("BERTH_CLUSTER_ID", clusterId)) {
        process.kill(pid, "SIGKILL");
      }
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    });

    function agentFlags(name: string, ports: string): string[] {
      return ["--name", name, "--state", join(home, name), "--task-ports", ports];
    }

    function run(...args: string[]): void {
      const env = { ...process.env, BERTH_HOME: home };
      here.push(spawn(process.execPath, [berthExecutable, ...args], { stdio: "ignore", env }));
    }

    function write() {
      return { requestId: randomBytes(12).toString("hex") as RequestId };
    }

    async function running(): Promise<AllocationView[]> {
      const { allocations } = await callApi(operator, "workload.get", { workload: "mobile" });
      return allocations.filter(({ status }) => status === "running");
    }

    function processOf({ pid }: AllocationView): ProcessIdentity {
      const identity = pid === null ? null : identify(pid);
      if (identity === null) throw new Error("a running task has no process");
      return identity;
    }

    it("[INV2][INV5] is down until it is heard again; its task moves, and the old one is stopped at the return", async () => {
      await callApi(operator, "node.cordon", { ...write(), node: "near", reason: null });
      const spec = {
        kind: "service",
        name: "mobile",
        task: { command: ["/bin/sleep", "100000"] },
        resources: { cpu: "10m", memory: "8MiB" },
      };
      await callApi(operator, "workload.apply", { ...write(), workloads: [spec] });
      const [before] = await until("it runs on the far node", async () => {
        const found = await running();
        return found.length === 1 && found[0]?.nodeName === "far" ? found : null;
      });
      if (before === undefined) throw new Error("it does not run");
      const old = processOf(before);
      await callApi(operator, "node.uncordon", { ...write(), node: "near" });

      namespace.cut();
      const [after] = await until("it runs on the near node", async () => {
        const found = await running();
        return found.length === 1 && found[0]?.nodeName === "near" ? found : null;
      });
      expect(after?.index).toBe(before.index);
      const far = await callApi(operator, "node.get", { node: "far" });
      expect(far.status).toBe("down");
      expect(isAlive(old)).toBe(true); // nobody could tell it

      namespace.heal();
      await until("the far node is ready again", async () => {
        return (await callApi(operator, "node.get", { node: "far" })).status === "ready";
      });
      await until("the old task is gone", () => !isAlive(old));
      const now = await running();
      expect(now.map(({ id }) => id)).toEqual([after?.id]);
      expect(now.map(processOf).every(isAlive)).toBe(true);
      expect(await judgeLog(scheduler, [{ name: "mobile" }])).toEqual(sound);
    });
  },
);
