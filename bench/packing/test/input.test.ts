import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { OptionsError, readOptions } from "../options.ts";
import { readNodes, readTasks, TraceError } from "../trace.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-packing-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe("trace files", () => {
  it("may lack the optional columns", () => {
    const path = file("five.csv", "name,cpu_milli,memory_mib,num_gpu,gpu_milli\na,1000,2,1,500\n");
    expect(readTasks(path)).toEqual({
      classes: [{ cpuMillis: 1000, memoryMiB: 2, gpuCount: 1, gpuMillis: 500, models: [] }],
      tasks: [0],
    });
  });

  it("group tasks that ask for the same, whatever the order of their models", () => {
    const rows = ["a,1000,2,1,1000,V100|T4", "b,1000,2,1,1000,T4|V100", "c,1000,2,1,1000,"];
    const header = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec";
    expect(readTasks(file("spec.csv", [header, ...rows].join("\n"))).tasks).toEqual([0, 0, 1]);
  });

  it.each([
    ["a missing column", "name,cpu_milli,memory_mib,num_gpu\n", /no column gpu_milli/],
    ["a negative count", rowOf("a,-1,2,1,500"), /:2: cpu_milli is not a count/],
    ["an empty cell", rowOf("a,,2,1,500"), /:2: cpu_milli is empty/],
    ["a share of several GPUs", rowOf("a,1,2,2,500"), /asks for 2 GPUs of 500 thousandths/],
    ["a share above one GPU", rowOf("a,1,2,1,1500"), /asks for 1 GPUs of 1500 thousandths/],
  ])("name %s", (_, text, message) => {
    const path = file("bad.csv", text);
    expect(() => readTasks(path)).toThrow(TraceError);
    expect(() => readTasks(path)).toThrow(message);
  });

  it("that cannot be read are named", () => {
    expect(() => readTasks(join(folder, "absent.csv"))).toThrow(/absent.csv cannot be read/);
  });

  it("of nodes name a missing column too", () => {
    expect(() => readNodes(file("nodes.csv", "sn,cpu_milli,memory_mib,gpu\n"))).toThrow(
      /no column model/,
    );
  });
});

describe("options", () => {
  it("default to berth on ten seeds it was not tuned on", () => {
    const options = readOptions([]);
    expect(options.policies).toEqual(["berth"]);
    expect(options.seeds).toEqual([100, 101, 102, 103, 104, 105, 106, 107, 108, 109]);
  });

  it.each([
    [["--policy", "magic"], /no policy magic/],
    [["--mix", "none"], /no mix none/],
    [["--seeds", "9-3"], /--seeds 9-3/],
    [["--seeds", "1-99999"], /at most 1000 seeds/],
    [["--colour"], /Unknown option '--colour'/],
  ])("refuse %j", (args, message) => {
    expect(() => readOptions(args)).toThrow(OptionsError);
    expect(() => readOptions(args)).toThrow(message);
  });
});

function rowOf(row: string): string {
  return `name,cpu_milli,memory_mib,num_gpu,gpu_milli\n${row}\n`;
}
