import { type ClusterId, NodeId, NodeName } from "@berth/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { desiredAllocation } from "../../test/support/desired-allocation.ts";
import { type Environment, taskCommand, taskEnvironment } from "./task-environment.ts";

const node = {
  clusterId: "cabcdefghijkl" as ClusterId,
  nodeId: NodeId.parse(`U${"A".repeat(55)}`),
  nodeName: NodeName.parse("r1-s01"),
  meta: {},
};
const folders = { home: "/state/task", temporary: "/state/tmp" };

function environmentOf(env: Record<string, string>): Environment {
  const result = taskEnvironment(desiredAllocation({ env, ports: { http: 8080 } }), node, folders);
  if (!result.ok) throw new Error(result.refusal.message);
  return result.value;
}
function argumentOf(text: string, environment: Environment = { NAME: "value" }): string {
  const result = taskCommand(desiredAllocation({ command: [text] }), environment);
  return result.ok ? (result.value[0] ?? "") : `refused: ${result.refusal.message}`;
}

describe("interpolation", () => {
  test.each([
    ["${NAME}", "value"],
    ["a${NAME}b${NAME}", "avaluebvalue"],
    ["$${NAME}", "${NAME}"],
    ["$$${NAME}", "$${NAME}"],
    ["$NAME", "$NAME"],
    ["${NAME:-other}", "${NAME:-other}"],
    ["$${x:-y}", "${x:-y}"],
    ["${", "${"],
    ["", ""],
  ])("turns %j into %j", (text, expected) => {
    expect(argumentOf(text)).toBe(expected);
  });

  test("refuses an unknown name and says what there is and how a shell's is written", () => {
    expect(argumentOf("${OTHER}")).toMatch(
      /unknown variable \$\{OTHER\}; there are NAME and BERTH_\*.*\$\$\{OTHER\}/,
    );
  });

  test("does not find what every object has", () => {
    expect(argumentOf("${constructor}")).toMatch(/unknown variable/);
  });

  test("gives back any text whose ${ are doubled", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const plain = text.replaceAll("$", "");
        expect(argumentOf(plain)).toBe(plain);
        expect(argumentOf(`$\${${plain}`)).toBe(`\${${plain}`);
      }),
    );
  });
});

describe("the environment", () => {
  test("lets the user extend PATH but not take over Berth's own names", () => {
    const environment = environmentOf({
      PATH: "/opt/bin:${PATH}",
      URL: "http://${BERTH_NODE_NAME}:${PORT_http}",
    });
    expect(environment["PATH"]).toMatch(/^\/opt\/bin:\/usr\/local\/sbin/);
    expect(environment["URL"]).toBe("http://r1-s01:8080");
    expect(environmentOf({ BERTH_INDEX: "7" })["BERTH_INDEX"]).toBe("0");
  });

  test("shows no device without a grant", () => {
    expect(environmentOf({})).toMatchObject({
      CUDA_VISIBLE_DEVICES: "",
      NVIDIA_VISIBLE_DEVICES: "void",
    });
  });

  test("tells what was granted, so that a task can keep to it", () => {
    const granted = {
      gpuUuids: ["GPU-1"],
      granted: { gpuShareMillis: 250, gpuMemoryMiB: 4_096, zone: 1, devices: { "acme/fpga": 2 } },
    };
    const result = taskEnvironment(desiredAllocation(granted), node, folders);
    expect(result.ok && result.value).toMatchObject({
      BERTH_CPU_MILLIS: "100",
      BERTH_MEMORY_MIB: "64",
      BERTH_DISK_MIB: "0",
      BERTH_GPU_SHARE: "0.25",
      BERTH_GPU_MEMORY_MIB: "4096",
      BERTH_NUMA_ZONE: "1",
      BERTH_DEVICE_acme_fpga: "2",
      CUDA_VISIBLE_DEVICES: "GPU-1",
    });
    expect(Object.keys(environmentOf({})).filter((name) => /GPU_|NUMA|DEVICE_/.test(name))).toEqual(
      [],
    );
  });
});
