import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { CheckSpec, Health } from "@berth/protocol";
import { nodeClock } from "@berth/runtime/node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CheckState } from "../src/core/check-health.ts";
import { CheckRunner } from "../src/shell/check-runner.ts";
import { desiredAllocation } from "./support/desired-allocation.ts";
import { TestHost } from "./support/test-host.ts";
import { until } from "./support/until.ts";

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

function checkSpec(shape: { type: "http" | "tcp"; startPeriodMs?: number }): CheckSpec {
  const probe =
    shape.type === "http"
      ? ({ type: "http", port: "web", path: "/" } as const)
      : ({ type: "tcp", port: "web" } as const);
  const startPeriodMs = shape.startPeriodMs ?? 60_000;
  return { probe, intervalMs: 100, timeoutMs: 80, failures: 2, startPeriodMs };
}

describe("a check", () => {
  let server: Server;
  let port: number;
  let status: number | "silent";
  let states: CheckState[];
  let runner: CheckRunner | null;
  beforeEach(async () => {
    status = 200;
    states = [];
    runner = null;
    server = createServer((_request, response) => {
      if (status !== "silent") response.writeHead(status).end();
    });
    port = await listen(server);
  });
  afterEach(() => {
    runner?.stop();
    server.closeAllConnections();
    server.close();
  });

  function run(shape: Parameters<typeof checkSpec>[0]): void {
    runner = new CheckRunner({
      check: checkSpec(shape),
      ports: { web: port },
      startedAtUnixMs: Date.now(),
      known: null,
      clock: nodeClock,
      onChange: (state) => void states.push(state),
    });
  }
  const becomes = (health: Health) =>
    until(`it is ${health}`, () => states.at(-1)?.health === health);

  test("turns healthy with the first pass, unhealthy after failures in a row, and back", async () => {
    run({ type: "http" });
    await becomes("healthy");
    status = 500;
    await becomes("unhealthy");
    expect(states.at(-1)).toMatchObject({
      failuresInRow: 2,
      message: expect.stringMatching(/status 500/),
    });
    status = 302;
    await becomes("healthy");
    expect(states.map(({ health }) => health)).toEqual(["healthy", "unhealthy", "healthy"]);
  });

  test("that never passes turns unhealthy after the start period", async () => {
    status = 404;
    run({ type: "http", startPeriodMs: 200 });
    await becomes("unhealthy");
    expect(states).toHaveLength(1);
  });

  test("fails when no answer comes in time", async () => {
    status = "silent";
    run({ type: "http", startPeriodMs: 0 });
    await becomes("unhealthy");
    expect(states.at(-1)?.message).toMatch(/within 80 ms/);
  });

  test("over tcp passes while something accepts connections", async () => {
    run({ type: "tcp" });
    await becomes("healthy");
    await new Promise((resolve) => server.close(resolve));
    await becomes("unhealthy");
  });
});

describe("an allocation", () => {
  let host: TestHost;
  beforeEach(() => {
    host = new TestHost();
  });
  afterEach(async () => {
    await host.dispose();
  });

  test("with a check is healthy once it answers, and an agent that comes back knows", async () => {
    const finder = createServer();
    const web = await listen(finder);
    await new Promise((resolve) => finder.close(resolve));
    const script =
      "require('http').createServer((q, s) => s.end('ok')).listen(process.env.PORT_web, '127.0.0.1')";
    const command = [process.execPath, "-e", script];
    host.desire(desiredAllocation({ command, ports: { web }, check: checkSpec({ type: "http" }) }));
    await until("it is healthy", () => {
      const last = host.reports.at(-1);
      return last?.state === "running" && last.health === "healthy";
    });
    expect(host.reports[0]).toMatchObject({ state: "running", health: "starting" });
    host.restart();
    expect(host.task("a1").report()).toMatchObject({ state: "running", health: "healthy" });
  });

  test("without a check has the health none", async () => {
    host.desire(desiredAllocation());
    await host.running();
    expect(host.reports).toMatchObject([{ state: "running", health: "none", message: null }]);
  });
});
