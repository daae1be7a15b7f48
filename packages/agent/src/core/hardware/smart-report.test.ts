import { expect, test } from "vitest";
import { fixture } from "../../../test/support/fixture.ts";
import { parseNvmeLog, parseSmartctl } from "./smart-report.ts";
import { worstHealth } from "./worst-health.ts";

const healthy = { state: "healthy", reason: null };

test("recorded disks that are fine are healthy", () => {
  expect(parseSmartctl(fixture("smart/nvme-healthy.json"))).toEqual(healthy);
  expect(parseSmartctl(fixture("smart/scsi-healthy.json"))).toEqual(healthy);
});

test("a recorded disk that lost data is degraded, although it says that it is fine", () => {
  expect(parseSmartctl(fixture("smart/nvme-media-errors.json"))).toEqual({
    state: "degraded",
    reason: "it has lost data (media errors)",
  });
});

test("a disk that cannot be asked is of unknown health", () => {
  expect(parseSmartctl(fixture("smart/cannot-be-opened.json"))).toBeNull();
  expect(parseSmartctl("")).toBeNull();
  expect(parseNvmeLog("")).toBeNull();
});

const nvme = (log: object, passed = true) =>
  JSON.stringify({ smart_status: { passed }, nvme_smart_health_information_log: log });
const ata = (attributes: readonly (readonly [id: number, raw: number])[], passed = true) =>
  JSON.stringify({
    smart_status: { passed },
    ata_smart_attributes: { table: attributes.map(([id, value]) => ({ id, raw: { value } })) },
  });

test.each([
  [nvme({ critical_warning: 0x04 }, false), "unhealthy", /no longer reliable/],
  [nvme({ critical_warning: 0x08 }, false), "unhealthy", /read-only/],
  [nvme({ critical_warning: 0x09 }), "unhealthy", /read-only/],
  [nvme({ critical_warning: 0x01 }), "degraded", /spare/],
  [nvme({ critical_warning: 0x01 }, false), "unhealthy", /SMART/],
  [nvme({ critical_warning: 0x02 }), "degraded", /too hot/],
  [nvme({ available_spare: 9, available_spare_threshold: 10 }), "degraded", /spare/],
  [nvme({ percentage_used: 100 }), "degraded", /as often as it is made for/],
  [ata([[5, 12]], false), "unhealthy", /SMART/],
  [ata([[197, 8]]), "degraded", /cannot be read/],
  [ata([[5, 12]]), "healthy", /^null$/],
] as const)("%s is %s", (report, state, reason) => {
  const health = parseSmartctl(report);
  expect(health?.state).toBe(state);
  expect(String(health?.reason)).toMatch(reason);
});

test("nvme-cli says the same in other words, its newer versions with bits as an object", () => {
  const log = { critical_warning: 0, avail_spare: 100, spare_thresh: 10, percent_used: 3 };
  expect(parseNvmeLog(JSON.stringify(log))).toEqual(healthy);
  expect(parseNvmeLog(JSON.stringify({ ...log, avail_spare: 4 }))?.state).toBe("degraded");
  const bits = { ...log, critical_warning: { value: 4, reliability_degraded: 1 } };
  expect(parseNvmeLog(JSON.stringify(bits))?.state).toBe("unhealthy");
});

test("several disks are as healthy as the worst of them, and unknown when all are", () => {
  const worn = { state: "degraded", reason: "worn" } as const;
  const dead = { state: "unhealthy", reason: "dead" } as const;
  expect(worstHealth([{ state: "healthy", reason: null }, dead, worn])).toEqual(dead);
  expect(worstHealth([])).toBeNull();
});
