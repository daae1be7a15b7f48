import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SpecProblem } from "./errors.ts";
import { limits } from "./limits.ts";
import { validateWorkloads } from "./validate-workloads.ts";
import { WorkloadSpec } from "./workload-spec.ts";

const service = { kind: "service", name: "web", task: { command: ["sleep", "60"] } };

function problemsOf(...documents: unknown[]): SpecProblem[] {
  const validated = validateWorkloads(documents);
  return validated.ok ? [] : validated.problems;
}

/** `path: message`, as a reader would want them. */
function told(...documents: unknown[]): string[] {
  return problemsOf(...documents).map(({ path, message }) => `${path.join(".")}: ${message}`);
}

function specOf(document: unknown): WorkloadSpec {
  const validated = validateWorkloads([document]);
  if (!validated.ok) throw new Error(JSON.stringify(validated.problems));
  const [spec] = validated.specs;
  if (!spec) throw new Error("no spec");
  return spec;
}

describe("a workload that is right", () => {
  test("is filled in with every default, each quantity an integer with its unit", () => {
    expect(specOf(service)).toEqual({
      kind: "service",
      project: "default",
      name: "web",
      priority: 50,
      task: { driver: "process", command: ["sleep", "60"], env: {}, workDir: null },
      resources: { cpuMillis: 100, memoryMiB: 64, diskMiB: 0, networkMbps: 0, gpu: null },
      ports: {},
      constraints: [],
      restart: {
        attempts: 3,
        withinMs: 600_000,
        backoffMinMs: 1_000,
        backoffMaxMs: 60_000,
        exhausted: "delay",
      },
      stop: { signal: "SIGTERM", graceMs: 10_000 },
      count: 1,
      check: null,
      update: { maxUnavailable: 1 },
    });
  });

  test("that is a batch gives up after its attempts, unless it says otherwise", () => {
    const batch = { ...service, kind: "batch" };
    expect(specOf(batch).restart.exhausted).toBe("fail");
    expect(specOf({ ...batch, restart: { exhausted: "delay" } }).restart.exhausted).toBe("delay");
  });

  test("keeps what it says: units, a model alone or a list, variables of any plain type", () => {
    const spec = specOf({
      ...service,
      task: { command: ["x"], env: { A: 1, B: true, C: "c" }, workDir: "work" },
      resources: { cpu: 1.5, memory: "1GiB", gpu: { model: "H100", memory: "20GiB" } },
      ports: { http: {}, admin: { static: 9000 } },
      check: { http: { port: "http" }, interval: "1s" },
    });
    expect(spec.task.env).toEqual({ A: "1", B: "true", C: "c" });
    expect(spec.resources).toMatchObject({
      cpuMillis: 1500,
      memoryMiB: 1024,
      gpu: { count: 1, models: ["H100"], memoryMiB: 20_480 },
    });
    expect(spec.ports).toEqual({ http: { static: null }, admin: { static: 9000 } });
    expect(spec.kind === "service" && spec.check).toMatchObject({
      probe: { type: "http", port: "http", path: "/" },
      intervalMs: 1000,
    });
  });

  test("with the driver exec says what it may use at most, beside what it is granted", () => {
    const limits = { cpu: 2, memory: "1GiB", pids: 9, diskRead: "5MiB", diskWrite: "6MiB" };
    const task = { driver: "exec", command: ["x"], limits: { ...limits, diskWeight: 10 } };
    expect(specOf({ ...service, task }).task).toMatchObject({
      driver: "exec",
      limits: {
        cpuMillis: 2_000,
        memoryMiB: 1_024,
        pids: 9,
        diskReadMiB: 5,
        diskWriteMiB: 6,
        diskWeight: 10,
      },
    });
    expect(
      specOf({ ...service, task: { driver: "exec", command: ["x"] } }).task,
    ).not.toHaveProperty("limits");
  });

  test("says that it runs as a whole: anywhere, or where a label is the same", () => {
    const gang = (written: unknown) => specOf({ ...service, gang: written }).placement?.gang;
    expect(gang(true)).toEqual({ within: null });
    expect(gang({ within: "rack" })).toEqual({ within: "node.labels.rack" });
    expect(gang(undefined)).toBeUndefined();
    expect(told({ ...service, gang: false })[0]).toMatch(/^gang: expected true, or/);
    expect(told({ ...service, kind: "system", gang: true })[0]).toMatch(/^gang: unknown field/);
  });

  test("takes the room of others, and gives its own, unless it says otherwise", () => {
    const preemption = (written: object) => specOf({ ...service, preemption: written }).placement;
    expect(preemption({})).toBeUndefined();
    expect(preemption({ preempts: false })).toEqual({ preempts: false });
    expect(preemption({ preemptible: false })).toEqual({ preemptible: false });
  });

  test("always satisfies the schema that the log is read with", () => {
    const input = fc.record({
      kind: fc.constantFrom("service", "batch", "system"),
      name: fc.stringMatching(/^[a-z][a-z0-9]{0,10}$/),
      priority: fc.integer({ min: 0, max: 100 }),
      task: fc.record({ command: fc.array(fc.string({ minLength: 1 }), { minLength: 1 }) }),
      resources: fc.record(
        {
          cpu: fc.integer({ min: 1, max: 64_000 }).map((millis) => `${millis}m`),
          memory: fc.integer({ min: 1, max: 4096 }).map((mebibytes) => `${mebibytes}MiB`),
          network: fc.integer({ min: 0, max: 400 }).map((gbps) => `${gbps}Gbps`),
        },
        { requiredKeys: [] },
      ),
    });
    fc.assert(
      fc.property(input, (document) => {
        const spec = specOf(document);
        expect(WorkloadSpec.parse(JSON.parse(JSON.stringify(spec)))).toEqual(spec);
      }),
    );
  });
});

describe("a workload that is wrong", () => {
  test("[INV7] is a gang of more members than are written to the log at once", () => {
    const gang = { ...service, gang: true, resources: { gpu: { count: 8 } } };
    expect(specOf({ ...gang, count: 200 }).placement?.gang).toEqual({ within: null });
    expect(told({ ...gang, count: 300 })).toEqual([
      "count: a gang of such tasks has at most 223 members: all are written to the log at once",
    ]);
    expect(specOf({ ...service, count: 300 }).placement).toBeUndefined();
  });

  test("is told everything at once, in every part of it", () => {
    const document = {
      kind: "service",
      name: "My Web",
      count: -1,
      prioritty: 10,
      task: { command: [], env: { "1st": "x" }, driver: "proces" },
      resources: { cpu: "0m", memory: 128, network: "10Mbs" },
      ports: { http: { static: 80 }, admin: { static: 80 } },
      constraints: ["node.rack == a"],
      check: { http: { port: "web" }, tcp: { port: "http" }, interval: "1ms" },
      stop: { grace: 5 },
    };
    expect(
      problemsOf(document)
        .map(({ path }) => path.join("."))
        .toSorted(),
    ).toEqual([
      "check",
      "check.http.port",
      "check.interval",
      "constraints.0",
      "count",
      "name",
      "ports.admin.static",
      "prioritty",
      "resources.cpu",
      "resources.memory",
      "resources.network",
      "stop.grace",
      "task.command",
      "task.driver",
      "task.env.1st",
    ]);
  });

  test("is told in words, with bounds", () => {
    expect(told({ ...service, count: -1 })).toEqual(["count: at least 0"]);
    expect(told({ ...service, count: 1.5 })).toEqual(["count: expected a whole number"]);
    expect(told({ ...service, priority: 101 })).toEqual(["priority: at most 100"]);
    expect(told({ ...service, task: { command: [] } })).toEqual([
      "task.command: must not be empty",
    ]);
    expect(told({ ...service, task: {} })).toEqual(["task.command: missing; expected a list"]);
    expect(told({ ...service, resources: { cpu: 0 } })).toEqual(["resources.cpu: at least 1m"]);
    expect(told("service")).toEqual([": expected a mapping"]);
    expect(told({ name: "a", task: service.task })).toEqual([
      "kind: missing; expected service, batch or system",
    ]);
  });

  test("has no limits that nothing would keep, or that are less than its grant", () => {
    const command = ["x"];
    const resources = { memory: "1GiB" };
    expect(told({ ...service, task: { command, limits: { pids: 9 } } })).toEqual([
      "task.limits: only the driver exec keeps a task to limits: set driver: exec, or leave them out",
    ]);
    const task = { driver: "exec", command, limits: { memory: "512MiB" } };
    expect(told({ ...service, task, resources })).toEqual([
      "task.limits.memory: less than the 1GiB that it is granted",
    ]);
  });

  test("gets a suggestion where one is near", () => {
    const suggestion = (document: object) => problemsOf(document)[0]?.suggestion;
    expect(suggestion({ ...service, kind: "servce" })).toBe("did you mean 'service'?");
    expect(suggestion({ ...service, prioritty: 1 })).toBe("did you mean 'priority'?");
    expect(suggestion({ ...service, task: { command: ["x"], driver: "Process" } })).toBe(
      "did you mean 'process'?",
    );
    expect(suggestion({ ...service, task: { command: "echo hello" } })).toBe(
      'write it as a list: ["sh", "-c", "echo hello"]',
    );
  });

  test("with an unknown field far from any known one, is told the known ones", () => {
    const [problem] = problemsOf({ ...service, stop: { patience: "5s" } });
    expect(problem?.suggestion).toBe("known here: signal, grace");
  });

  test("with an unknown kind, still hears of its other problems", () => {
    expect(told({ kind: "servise", name: "web", task: {}, count: -1 })).toEqual([
      "kind: not a kind of workload; expected service, batch or system",
      "task.command: missing; expected a list",
      "count: at least 0",
    ]);
  });

  test("hears of a check's missing port only where the ports can be read", () => {
    const check = { tcp: { port: "http" } };
    expect(told({ ...service, check })).toEqual([
      "check.tcp.port: no port 'http' under ports; there: none",
    ]);
    expect(told({ ...service, check, ports: "http" })).toEqual(["ports: expected a mapping"]);
  });

  test("carries the offending value, shortened", () => {
    const [problem] = problemsOf({ ...service, name: "x".repeat(500) });
    expect(problem?.value).toMatch(/^"x+\.\.\.$/);
    expect(problem?.value?.length).toBe(80);
  });
});

describe("several workloads", () => {
  test("are told which document each problem is in, in order", () => {
    const broken = { ...service, count: -1 };
    const problems = problemsOf(service, broken, { ...service, name: "b" }, null);
    expect(problems.map(({ document }) => document)).toEqual([1, 3]);
  });

  test("of one name are refused, wherever they stand", () => {
    expect(problemsOf({ ...service, count: -1 }, service, service)).toMatchObject([
      { document: 0, path: ["count"] },
      { document: 2, path: ["name"], message: "'default/web' is in this submission twice" },
    ]);
  });

  test("are bounded in number and in size", () => {
    const many = Array.from({ length: limits.workloadsPerApplyMax + 1 }, () => service);
    expect(problemsOf(...many)).toHaveLength(1);
    const env = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`V${index}`, "v".repeat(1000)]),
    );
    const [problem] = problemsOf({ ...service, task: { ...service.task, env } });
    expect(problem?.message).toContain(`at most ${limits.workloadSpecBytesMax}`);
  });
});

test("no document whatever makes the validator throw", () => {
  fc.assert(
    fc.property(
      fc.array(fc.anything({ withNullPrototype: true }), { maxLength: 3 }),
      (documents) => {
        validateWorkloads(documents);
      },
    ),
  );
});

test("no damaged field of a right workload makes it throw, and each is noticed at its path", () => {
  const whole = {
    ...service,
    count: 2,
    resources: { cpu: "1" },
    ports: { http: {} },
    constraints: ["exists node.name"],
    restart: { attempts: 1 },
    stop: { grace: "1s" },
    update: { maxUnavailable: 1 },
  };
  const field = fc.constantFrom(...Object.keys(whole));
  fc.assert(
    fc.property(field, fc.constantFrom(null, 3.5, "?", [3], { x: 1 }), (name, damage) => {
      const problems = problemsOf({ ...whole, [name]: damage });
      expect(problems.length).toBeGreaterThan(0);
      expect(problems.every(({ path }) => path.length > 0)).toBe(true);
    }),
  );
});
