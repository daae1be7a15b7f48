import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, TestHome } from "./test-home.ts";

const home = new TestHome();

beforeAll(async () => {
  const { exitCode, stderr } = await home.up("--no-examples");
  expect(stderr).not.toContain("error");
  expect(exitCode).toBe(0);
});
afterAll(() => home.remove());

/** Writes a workload file into the home and gives its path. */
function file(name: string, text: string): string {
  const path = join(home.folder, name);
  writeFileSync(path, text);
  return path;
}

function service(name: string, script: string, more = ""): string {
  return `kind: service
name: ${name}
task: { command: [sh, -c, ${JSON.stringify(script)}] }
resources: { cpu: 10m, memory: 16MiB }
${more}`;
}

function batch(name: string, script: string, more = ""): string {
  return service(name, script, more).replace("kind: service", "kind: batch");
}

async function seq(): Promise<number> {
  const { value } = await home.json("status");
  return (value as { seq: number }).seq;
}

describe("a workload's life", () => {
  test("apply --wait ends when a service is healthy, and its log, reasons and end can be seen", async () => {
    const path = file("greeter.yaml", service("greeter", "echo hello; exec sleep 300"));
    const applied = await home.run(["apply", path, "--wait", "--timeout", "30s"]);
    expect(applied.exitCode).toBe(0);
    expect(applied.stdout).toContain("default/greeter  running  1/1 healthy");
    expect(applied.stderr).toContain("default/greeter  created, version 1");

    expect((await home.run(["logs", "greeter"])).stdout).toBe("hello\n");
    expect((await home.run(["why", "greeter"])).stdout).toMatch(
      /running \[0\].*\n.*fitted 1 of 1 node/,
    );
    expect((await home.run(["ls", "-o", "name"])).stdout).toContain("default/greeter\n");
    expect((await home.run(["show", "greeter"])).stdout).toContain(
      "sh -c 'echo hello; exec sleep 300'",
    );

    const stopped = await home.run(["stop", "greeter", "--wait"]);
    expect(stopped.exitCode).toBe(0);
    expect((await home.json("show", "greeter")).value).toMatchObject({ status: "stopped" });
    expect((await home.run(["logs", "greeter"])).stdout).toBe("hello\n");

    expect((await home.run(["rm", "greeter", "--wait"])).exitCode).toBe(0);
    expect((await home.run(["show", "greeter"])).exitCode).toBe(5);
  });

  test("apply --wait --json ends with what became of a batch, and its log stays", async () => {
    const path = file("sum.yaml", batch("sum", "echo $((40 + 2)); echo careful >&2"));
    const { exitCode, value } = await home.json("apply", path, "--wait");
    expect(exitCode).toBe(0);
    expect(value).toMatchObject({
      seq: expect.any(Number),
      results: [
        { workload: "default/sum", change: "created", version: 1, status: "complete", complete: 1 },
      ],
    });
    expect((await home.run(["logs", "sum", "--stdout"])).stdout).toBe("42\n");
    expect((await home.run(["logs", "sum", "--stderr"])).stdout).toBe("careful\n");
  });

  test("applying the same file again changes nothing, and plan says so before", async () => {
    const path = file("same.yaml", batch("same", "true"));
    expect((await home.run(["plan", path])).exitCode).toBe(3);
    await home.run(["apply", path, "--wait"]);
    expect((await home.run(["plan", path])).exitCode).toBe(0);
    expect((await home.run(["apply", path])).stdout).toBe("default/same  unchanged, version 1\n");
  });

  test("a batch that fails ends the waiting with 1", async () => {
    const path = file("fails.yaml", batch("fails", "exit 3", "restart: { attempts: 0 }"));
    const { exitCode, stdout } = await home.run(["apply", path, "--wait", "--timeout", "30s"]);
    expect(stdout).toContain("exited with code 3");
    expect(exitCode).toBe(1);
  });

  test("what does not fit is explained while it waits, and ends the waiting with 2", async () => {
    const path = file("huge.yaml", batch("huge", "true").replace("10m", "4000"));
    const waited = await home.run(["apply", path, "--wait", "--timeout", "1s"]);
    expect(waited.exitCode).toBe(2);
    expect(waited.stderr).toContain("fits none of 1 node");
    expect(waited.stderr).toMatch(/^warning: .*huge\.yaml:\d+:\d+ {2}resources\.cpu: /m);
    expect(waited.stderr).toContain("instead of 4000 cpu");
    expect((await home.run(["plan", path])).exitCode).toBe(2);

    const { value } = await home.json("why", "huge");
    const why = value as {
      nodesTotal: number;
      pending: { explanation: { rejections: { nodes: number }[] } }[];
    };
    const counted = why.pending[0]?.explanation.rejections.reduce(
      (sum, { nodes }) => sum + nodes,
      0,
    );
    expect(counted).toBe(why.nodesTotal);
    await home.run(["rm", "huge"]);
  });

  test("workloads come from standard input too", async () => {
    const { exitCode, stdout } = await home.run(["apply", "-"], { input: batch("piped", "true") });
    expect(exitCode).toBe(0);
    expect(stdout).toContain("default/piped  created");
  });
});

describe("logs", () => {
  test("follow a workload across the restart of its task", async () => {
    const script = 'echo "attempt of $BERTH_ALLOC_ID"; sleep 0.2; exit 1';
    const path = file("flaky.yaml", service("flaky", script, "restart: { backoff: 100ms }"));
    await home.run(["apply", path]);
    const follow = home.begin(["logs", "flaky", "-f"]);
    await eventually(() => {
      const attempts = new Set(follow.stdout().match(/attempt of a\d+/g) ?? []);
      expect(attempts.size).toBeGreaterThan(1);
    });
    follow.child.kill("SIGINT");
    expect(await follow.ended).toBe(130);
    await home.run(["rm", "flaky", "--wait"]);
  });

  test("of several allocations say whose each line is", async () => {
    const path = file("three.yaml", batch("three", "echo I am $BERTH_ALLOC_ID", "count: 3"));
    await home.run(["apply", path, "--wait"]);
    const { stdout } = await home.run(["logs", "three"]);
    const lines = stdout.trim().split("\n");
    expect(lines).toHaveLength(3);
    for (const [index, line] of lines.entries()) {
      expect(line).toMatch(new RegExp(`^three\\[${index}\\] (a\\d+) \\| I am \\1$`));
    }
    expect((await home.run(["logs", "three", "--index", "1"])).stdout).toMatch(/^I am a\d+\n$/);
  });

  test("end by themselves when a followed batch does", async () => {
    const path = file("brief.yaml", batch("brief", "echo one; sleep 0.3; echo two"));
    await home.run(["apply", path]);
    const { exitCode, stdout } = await home.run(["logs", "brief", "--follow"]);
    expect(stdout).toBe("one\ntwo\n");
    expect(exitCode).toBe(0);
  });

  test("start at the tail that was asked for", async () => {
    const path = file("long.yaml", batch("long", "seq 1 5000"));
    await home.run(["apply", path, "--wait"]);
    expect((await home.run(["logs", "long", "--tail", "2"])).stdout).toBe("4999\n5000\n");
    expect((await home.run(["logs", "long"])).stdout.split("\n")).toHaveLength(5001);
  });

  test("are one JSON object a line with --json", async () => {
    const { stdout } = await home.run(["logs", "long", "--tail", "1", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      workload: "default/long",
      stream: "stdout",
      text: "5000",
    });
  });
});

describe("mistakes", () => {
  test("in a file are all shown at once with their places, and nothing is changed", async () => {
    const path = file(
      "wrong.yaml",
      "kind: service\nname: wrong\ncuont: 3\ntask:\n  command: [x]\nresources: { cpu: 12x }\n",
    );
    const before = await seq();
    const { exitCode, stderr, stdout } = await home.run(["apply", path]);
    expect(exitCode).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain(`${path}:3:1  cuont: unknown field 'cuont' (found 3)`);
    expect(stderr).toContain("did you mean 'count'?");
    expect(stderr).toMatch(/wrong\.yaml:6:\d+ {2}resources\.cpu: .*found "12x"/);
    expect(stderr).toContain("2 problems; nothing was changed");
    expect(await seq()).toBe(before);
    expect((await home.run(["validate", path])).stderr).toBe(stderr);
  });

  test("in YAML itself have line and column, as JSON too", async () => {
    const { exitCode, value } = await home.json("apply", file("broken.yaml", "name: a\nname: b\n"));
    expect(exitCode).toBe(1);
    expect(value).toMatchObject({
      error: {
        code: "spec.invalid",
        problems: [{ line: 2, column: 1, message: "Map keys must be unique" }],
      },
    });
  });

  test("in a name end with 5 and name what is near", async () => {
    const { exitCode, stderr } = await home.run(["why", "sam"]);
    expect(exitCode).toBe(5);
    expect(stderr).toMatch(/did you mean .*s(um|ame)/);
    expect((await home.json("logs", "a99999")).value).toMatchObject({
      error: { code: "not_found" },
    });
  });

  test("in the usage end with 1 and say what is right", async () => {
    const { exitCode, stderr } = await home.run(["apply", "x.yaml", "--timeout", "5"]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("such as 500ms, 30s");
    expect((await home.run(["aply"])).stderr).toContain("Did you mean apply?");
  });
});

describe("nodes", () => {
  test("are cordoned, uncordoned and found by the beginning of their id", async () => {
    const { value } = await home.json("node", "ls");
    const [node] = (value as { nodes: { id: string; name: string }[] }).nodes;
    const name = node?.name ?? "";
    expect((await home.run(["node", "cordon", name, "--reason", "a test"])).stdout).toContain(
      "cordoned",
    );
    const path = file("later.yaml", batch("later", "true"));
    expect((await home.run(["apply", path, "--wait", "--timeout", "500ms"])).exitCode).toBe(2);
    const prefix = node?.id.slice(0, 12) ?? "";
    expect((await home.run(["node", "uncordon", prefix])).exitCode).toBe(0);
    expect((await home.run(["apply", path, "--wait"])).exitCode).toBe(0);
    expect((await home.run(["show", name])).stdout).toContain(node?.id);
  });
});

test("node show --hardware tells what is in the server, and what the system offers", async () => {
  const { value } = await home.json("node", "ls");
  const name = (value as { nodes: { name: string }[] }).nodes[0]?.name ?? "";
  const text = await home.run(["node", "show", name, "--hardware"]);
  expect(text.exitCode).toBe(0);
  expect(text.stdout).toMatch(/^cpu .* threads?, /m);
  expect(text.stdout).toMatch(/^cgroup\.memory +(yes|no) +\S/m);
  expect((await home.json("node", "show", name, "--hardware")).value).toMatchObject({
    node: { name },
    hardware: { cpu: { threads: expect.any(Number) }, numaNodes: expect.any(Array) },
    capabilities: expect.arrayContaining([expect.objectContaining({ name: "podman" })]),
  });
});

describe("what only looks", () => {
  test("status --json has what monitors need", async () => {
    expect((await home.json("status")).value).toMatchObject({
      ready: true,
      seq: expect.any(Number),
      nodes: { ready: 1 },
      workloads: expect.any(Number),
      allocations: { running: expect.any(Number) },
    });
    expect((await home.run(["status"])).stdout).toContain(home.file.consoleUrl);
  });

  test("events are shown, and followed until Ctrl-C", async () => {
    expect((await home.run(["events", "--since", "10m"])).stdout).toContain("WorkloadApplied");
    const follow = home.begin(["events", "-f", "--json", "--workload", "default/eventful"]);
    await home.run(["apply", file("eventful.yaml", batch("eventful", "true"))]);
    await eventually(() => {
      expect(follow.stdout()).toContain("AllocationFinished");
    });
    follow.child.kill("SIGINT");
    expect(await follow.ended).toBe(130);
    for (const line of follow.stdout().trim().split("\n")) {
      expect(JSON.parse(line)).toMatchObject({ workload: "default/eventful" });
    }
  });

  test("top shows what nodes use of what they granted", async () => {
    const { value } = await home.json("top");
    expect(value).toMatchObject({ nodes: [{ used: { memoryMiB: expect.any(Number) } }] });
    expect((await home.run(["top", "--once"])).stdout).toMatch(/^NODE .*CPU USED/);
  });

  test("a reader that goes away early is no error", async () => {
    const list = home.begin(["events"]);
    list.child.stdout?.destroy();
    expect(await list.ended).toBe(0);
  });
});
