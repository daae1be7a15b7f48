import { describe, expect, test } from "vitest";
import { parseDevices, parseInterfaceSpeeds, parsePool, parseTaints } from "./declarations.ts";

describe("what an operator declares of a node", () => {
  test("is a pool, taints with or without a reason, and counted devices", () => {
    expect(parsePool("batch")).toBe("batch");
    expect(parseTaints(["spare", "fans=to be replaced, r1=a", "spare=kept"])).toEqual([
      { key: "spare", reason: "kept" },
      { key: "fans", reason: "to be replaced, r1=a" },
    ]);
    expect(parseDevices(["fpga=2", "acme.com/nic=16"])).toEqual({ fpga: 2, "acme.com/nic": 16 });
  });

  test("is what interfaces carry", () => {
    expect(parseInterfaceSpeeds(["eth0=10000", "ib0=400000"])).toEqual({
      eth0: 10_000,
      ib0: 400_000,
    });
  });

  test("is nothing when nothing is said", () => {
    expect(parseInterfaceSpeeds()).toEqual({});
    expect(parseTaints()).toEqual([]);
    expect(parseDevices()).toEqual({});
  });

  test.each([
    ["an empty pool", () => parsePool("")],
    ["a taint without a key", () => parseTaints(["=reason"])],
    ["a taint that every toleration means", () => parseTaints(["*"])],
    ["a device without a count", () => parseDevices(["fpga"])],
    ["a negative count", () => parseDevices(["fpga=-1"])],
    ["a part of a device", () => parseDevices(["fpga=0.5"])],
    ["an absurd count", () => parseDevices(["fpga=9999999"])],
    ["an interface without a speed", () => parseInterfaceSpeeds(["eth0"])],
    ["a speed of nothing", () => parseInterfaceSpeeds(["eth0=0"])],
    ["a speed with a unit", () => parseInterfaceSpeeds(["eth0=10Gbps"])],
    ["a name with a blank", () => parseDevices(["my fpga=1"])],
  ])("is refused for %s", (_, parse) => {
    expect(parse).toThrow(expect.objectContaining({ code: "invalid" }));
  });
});
