import type { Gpu } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { fixture } from "../../../test/support/fixture.ts";
import { allGpus } from "./gpu-links.ts";
import { parseAmdListing } from "./amd-listing.ts";
import { parseIntelDevice, parseIntelNumbers } from "./intel-listing.ts";
import { parseJson, valueAt } from "./json-value.ts";
import { withLost } from "./lost-gpus.ts";

describe("AMD devices", () => {
  test("of a recorded ROCm 6 are read, and what it does not tell is null", () => {
    const answers = {
      list: fixture("amd/strix-halo-list.json"),
      facts: fixture("amd/strix-halo-static.json"),
      topology: "",
      ecc: "",
    };
    expect(parseAmdListing(answers)).toEqual([
      {
        uuid: "00ff1586-0000-1000-8000-000000000000",
        vendor: "amd",
        model: "Strix Halo [Radeon Graphics / Radeon 8050S Graphics / Radeon 8060S Graphics]",
        memoryMiB: 32_768,
        driverVersion: "6.17.1-300.fc43.x86_64",
        pciAddress: "0000:c4:00.0",
        isPartitioned: null,
        hasEcc: null,
        health: { state: "healthy", reason: null },
      },
    ]);
  });

  test("of ROCm 7 are read with links, partitions and memory errors, in the order of their ids", () => {
    const all = parseJson(fixture("amd/two-mi300x.json"));
    const part = (name: string) => JSON.stringify(valueAt(all, name));
    const answers = {
      list: part("list"),
      facts: part("static"),
      topology: part("topology"),
      ecc: part("ecc"),
    };
    expect(parseAmdListing(answers)).toMatchObject([
      {
        pciAddress: "0000:22:00.0",
        memoryMiB: 196_592,
        isPartitioned: true,
        hasEcc: false,
        links: [null, "XGMI"],
        health: { state: "degraded", reason: "memory errors that could not be corrected" },
      },
      {
        pciAddress: "0000:0c:00.0",
        isPartitioned: false,
        hasEcc: true,
        links: ["XGMI", null],
        health: { state: "healthy" },
      },
    ]);
  });

  test.each(["", "no json", "{}", '[{"gpu": 0}]', '{"gpu_data": 1}', "null"])(
    "are none in %j",
    (list) => {
      expect(parseAmdListing({ list, facts: list, topology: list, ecc: list })).toEqual([]);
    },
  );
});

describe("Intel devices", () => {
  test("are read as recorded", () => {
    expect(parseIntelNumbers(fixture("intel/max-1100-discovery.json"))).toEqual([0, 1]);
    expect(parseIntelDevice(fixture("intel/max-1100-device-0.json"))).toEqual({
      uuid: "00000000-0000-0029-0000-002f0bda8086",
      vendor: "intel",
      model: "Intel(R) Data Center GPU Max 1100",
      memoryMiB: 49_136,
      driverVersion: "I915_23.10.72_PSB_231129.76",
      pciAddress: null,
      hasEcc: true,
    });
  });

  test("are none where there is no answer", () => {
    expect(parseIntelNumbers("")).toEqual([]);
    expect(parseIntelDevice("{}")).toBeNull();
  });
});

const gpu = (uuid: string, more: Partial<Gpu> = {}): Gpu => ({
  uuid,
  model: "x",
  memoryMiB: null,
  driverVersion: null,
  pciAddress: null,
  ...more,
});

test("a device that is no longer listed stays as unhealthy", () => {
  const before = [gpu("a", { links: [null, "XGMI"] }), gpu("b", { links: ["XGMI", null] })];
  expect(withLost(before, [gpu("b")], "amd-smi")).toEqual([
    gpu("a", { health: { state: "unhealthy", reason: "amd-smi no longer lists it" } }),
    gpu("b"),
  ]);
  expect(withLost(before, before, "amd-smi")).toEqual(before);
});

test("devices of several vendors are one list, with links for all of it", () => {
  const nvidia = [gpu("a", { links: [null, "NV18"] }), gpu("b", { links: ["NV18", null] })];
  const amd = [gpu("c", { links: [null] })];
  expect(allGpus([nvidia, [], amd]).map(({ links }) => links)).toEqual([
    [null, "NV18", null],
    ["NV18", null, null],
    [null, null, null],
  ]);
  expect(allGpus([nvidia, []])).toEqual(nvidia);
});
