import { chmodSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { desiredAllocation } from "./support/desired-allocation.ts";
import { TestHost } from "./support/test-host.ts";
import { until } from "./support/until.ts";

let host: TestHost;
beforeEach(() => {
  host = new TestHost();
});
afterEach(async () => {
  await host.dispose();
});

describe("a task that ends by itself", () => {
  test("is complete with exit code 0", async () => {
    host.desire(desiredAllocation({ command: ["sh", "-c", "echo done; echo oops >&2"] }));
    const report = await host.finished();
    expect(report).toMatchObject({ outcome: "complete", exit: { kind: "code", code: 0 } });
    expect(host.output()).toBe("done\n");
    expect(host.output("a1", "stderr")).toBe("oops\n");
    expect(report.startedAtUnixMs).toBeLessThanOrEqual(report.finishedAtUnixMs);
  });

  test.each([1, 42, 128, 255])("is failed with its exit code %i", async (code) => {
    host.desire(desiredAllocation({ command: ["sh", "-c", `exit ${code}`] }));
    expect(await host.finished()).toMatchObject({
      outcome: "failed",
      exit: { kind: "code", code },
    });
  });

  test.each(["SIGKILL", "SIGTERM", "SIGINT", "SIGSEGV"])("is failed with %s", async (signal) => {
    host.desire(desiredAllocation());
    process.kill(await host.running(), signal);
    expect(await host.finished()).toMatchObject({
      outcome: "failed",
      exit: { kind: "signal", signal },
    });
  });

  test("is reported within 100 ms of its end", async () => {
    host.desire(desiredAllocation());
    const pid = await host.running();
    const killedAtMs = performance.now();
    process.kill(pid, "SIGKILL");
    await host.finished();
    // The machine may be busy: the bound is 100 ms, the test allows for a scheduler that is late.
    expect(performance.now() - killedAtMs).toBeLessThan(300);
  });

  test("takes what it left behind with it", async () => {
    const command = ["sh", "-c", "sleep 301 & (trap '' TERM; sleep 302) & echo left; exit 3"];
    host.desire(desiredAllocation({ command }));
    expect(await host.finished()).toMatchObject({ exit: { kind: "code", code: 3 } });
    expect(host.leftPids()).toEqual([]);
  });
});

describe("a task that is told to stop", () => {
  test("gets SIGTERM, and its own exit code is reported", async () => {
    const command = [
      "sh",
      "-c",
      "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.02; done",
    ];
    host.desire(desiredAllocation({ command }));
    await host.outputHas("up");
    host.desire();
    expect(await host.finished()).toMatchObject({
      outcome: "stopped",
      exit: { kind: "code", code: 7 },
    });
    expect(host.output()).toContain("bye");
  });

  test.each(["SIGINT", "SIGQUIT", "SIGHUP"] as const)(
    "gets %s where it asks for that",
    async (signal) => {
      const command = [
        "sh",
        "-c",
        `trap 'exit 9' ${signal.slice(3)}; echo up; while :; do sleep 0.02; done`,
      ];
      host.desire(desiredAllocation({ command, signal }));
      await host.outputHas("up");
      host.desire();
      expect(await host.finished()).toMatchObject({ exit: { kind: "code", code: 9 } });
    },
  );

  test("is killed with its whole tree when it ignores the signal", async () => {
    const command = ["sh", "-c", "trap '' TERM; sleep 301 & sleep 302 & echo up; wait"];
    host.desire(desiredAllocation({ command, graceMs: 150 }));
    await host.outputHas("up");
    const toldAtMs = performance.now();
    host.desire();
    expect(await host.finished()).toMatchObject({
      outcome: "stopped",
      exit: { kind: "signal", signal: "SIGKILL" },
    });
    expect(performance.now() - toldAtMs).toBeGreaterThanOrEqual(150);
    expect(host.leftPids()).toEqual([]);
  });

  test("takes daemons with it that left its session and its parents", async () => {
    const daemon = "trap '' TERM HUP; echo daemon; exec sleep 303";
    const command = [
      "sh",
      "-c",
      `setsid sh -c 'setsid sh -c "${daemon}" & exit 0'; exec sleep 304`,
    ];
    host.desire(desiredAllocation({ command, graceMs: 100 }));
    await host.outputHas("daemon");
    host.desire();
    await host.finished();
    expect(host.leftPids()).toEqual([]);
  });

  test("is woken up first when it is stopped with SIGSTOP", async () => {
    const command = ["sh", "-c", "trap 'exit 5' TERM; echo up; while :; do sleep 0.02; done"];
    host.desire(desiredAllocation({ command }));
    await host.outputHas("up");
    process.kill(await host.running(), "SIGSTOP");
    host.desire();
    expect(await host.finished()).toMatchObject({ exit: { kind: "code", code: 5 } });
  });

  test("never ran when that comes before its start", async () => {
    host.desire(desiredAllocation({ command: ["sh", "-c", "echo ran"] }));
    host.desire();
    expect(await host.finished()).toMatchObject({ outcome: "stopped", startedAtUnixMs: null });
  });

  test("records its end although its shim gets the signal too", async () => {
    const command = ["sh", "-c", "trap 'exit 6' TERM; echo up; while :; do sleep 0.02; done"];
    host.desire(desiredAllocation({ command }));
    await host.outputHas("up");
    const { processes } = host.task("a1");
    await until("its shim is known", () => processes.shim !== null);
    process.kill(-(processes.shim?.pid ?? Number.NaN), "SIGTERM");
    expect(await host.finished()).toMatchObject({
      outcome: "failed",
      exit: { kind: "code", code: 6 },
    });
  });
});

describe("a task that cannot be started", () => {
  async function refusalOf(shape: Parameters<typeof desiredAllocation>[0]): Promise<string> {
    host.desire(desiredAllocation(shape));
    const report = await host.finished();
    expect(report).toMatchObject({ outcome: "failed", exit: { kind: "prestart" } });
    expect(report.startedAtUnixMs).toBeNull();
    return report.message ?? "";
  }

  test("says which program is missing and where it was looked for", async () => {
    expect(await refusalOf({ command: ["no-such-program"] })).toMatch(
      /no-such-program is not in \/usr/,
    );
    expect(host.leftPids()).toEqual([]);
  });

  test("says when a program is not executable", async () => {
    const program = path.join(host.folder, "plain.txt");
    writeFileSync(program, "text");
    chmodSync(program, 0o644);
    expect(await refusalOf({ command: [program] })).toMatch(/chmod \+x/);
  });

  test("says when its work folder is missing", async () => {
    expect(await refusalOf({ workDir: "/no/such/folder" })).toMatch(
      "/no/such/folder does not exist",
    );
  });

  test("says when a stranger has its port, on one address or all", async () => {
    for (const [id, address] of [
      ["a1", "127.0.0.1"],
      ["a2", "0.0.0.0"],
    ] as const) {
      const stranger = createServer();
      const port = await new Promise<number>((resolve) => {
        stranger.listen(0, address, () => {
          const bound = stranger.address();
          resolve(typeof bound === "object" && bound !== null ? bound.port : 0);
        });
      });
      host.desire(desiredAllocation({ id, ports: { http: port } }));
      expect((await host.finished(id)).message).toMatch(`port ${port} (http) is already in use`);
      await new Promise((resolve) => stranger.close(resolve));
    }
  });

  test("says which variable it does not know", async () => {
    expect(await refusalOf({ command: ["echo", "${NOPE}"] })).toMatch(
      /unknown variable \$\{NOPE\}/,
    );
  });

  test("says when its folder cannot be made", async () => {
    writeFileSync(path.join(host.state.allocationsPath, "a1"), "in the way");
    expect(await refusalOf({})).toMatch(/cannot start/);
  });
});

describe("the environment of a task", () => {
  async function environmentOf(shape: Parameters<typeof desiredAllocation>[0]) {
    host.desire(desiredAllocation({ ...shape, command: ["env", "-0"] }));
    await host.finished();
    const pairs = host.output().split("\0").filter(Boolean);
    return Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
  }

  test("has nothing of the agent's", async () => {
    process.env["BERTH_AGENT_SECRET_OF_TEST"] = "secret";
    const environment = await environmentOf({});
    delete process.env["BERTH_AGENT_SECRET_OF_TEST"];
    expect(
      Object.keys(environment)
        .filter((name) => !name.startsWith("BERTH_"))
        .sort(),
    ).toEqual([
      "CUDA_VISIBLE_DEVICES",
      "HOME",
      "LANG",
      "NVIDIA_VISIBLE_DEVICES",
      "PATH",
      "PWD",
      "TMPDIR",
    ]);
    expect(environment).not.toHaveProperty("BERTH_AGENT_SECRET_OF_TEST");
  });

  test("says who and where it is, and which ports and devices it has", async () => {
    const environment = await environmentOf({
      env: { GREETING: "hi ${BERTH_NODE_NAME}", TEXT: 'two\nlines = "quoted" $${x}' },
      ports: { http: 28_911 },
      gpuUuids: ["GPU-1", "GPU-2"],
    });
    expect(environment).toMatchObject({
      BERTH_ALLOC_ID: "a1",
      BERTH_CLUSTER_ID: host.clusterId,
      BERTH_NODE_NAME: "r1-s01",
      BERTH_PROJECT: "acme",
      BERTH_WORKLOAD: "web",
      BERTH_INDEX: "0",
      BERTH_COUNT: "1",
      BERTH_ATTEMPT: "1",
      BERTH_META_zone_name: "b",
      PORT_http: "28911",
      CUDA_VISIBLE_DEVICES: "GPU-1,GPU-2",
      NVIDIA_VISIBLE_DEVICES: "GPU-1,GPU-2",
      GREETING: "hi r1-s01",
      TEXT: 'two\nlines = "quoted" ${x}',
    });
    expect(environment["HOME"]).toBe(host.task("a1").folder.taskPath);
  });
});

test("arguments reach the program as they are, blanks and quotes included", async () => {
  const command = ["printf", "[%s]", "a b", "", "*", "$HOME", "'\"\\", "${PORT_x}"];
  host.desire(desiredAllocation({ command, ports: { x: 28_912 } }));
  await host.finished();
  expect(host.output()).toBe("[a b][][*][$HOME]['\"\\][28912]");
});

test("a task starts in its own folder", async () => {
  host.desire(desiredAllocation({ command: ["pwd"] }));
  await host.finished();
  expect(host.output().trim()).toBe(host.task("a1").folder.taskPath);
});

test("many start at once and each runs once", async () => {
  const allocations = Array.from({ length: 40 }, (_, at) =>
    desiredAllocation({ id: `a${at + 1}`, command: ["sh", "-c", "echo start; exec sleep 300"] }),
  );
  host.desire(...allocations);
  await Promise.all(allocations.map(({ allocationId }) => host.running(allocationId)));
  for (const { allocationId } of allocations) await host.outputHas("start\n", allocationId);
  host.desire();
  await Promise.all(allocations.map(({ allocationId }) => host.finished(allocationId)));
  for (const { allocationId } of allocations) expect(host.output(allocationId)).toBe("start\n");
  await until("all are gone", () => host.leftPids().length === 0);
});
