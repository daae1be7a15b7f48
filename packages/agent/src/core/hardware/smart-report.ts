import type { DeviceHealth } from "@berth/protocol";
import { listAt, numberAt, parseJson, valueAt } from "./json-value.ts";

const HEALTHY: DeviceHealth = { state: "healthy", reason: null };

/** Bits of an NVMe disk's critical warning (NVM Express Base Specification, SMART log page). */
const CRITICAL: readonly (readonly [bit: number, state: DeviceHealth["state"], what: string])[] = [
  [0x04, "unhealthy", "it says that it is no longer reliable"],
  [0x08, "unhealthy", "it has become read-only"],
  [0x01, "degraded", "its spare blocks run out"],
  [0x10, "degraded", "its cache is no longer safe in a power cut"],
  [0x02, "degraded", "it is too hot or too cold"],
];
/** Of ATA disks: sectors that wait to be remapped, and those that no test could read. */
const UNREADABLE_SECTORS: ReadonlySet<number> = new Set([197, 198]);

/**
 * What `smartctl --json` says of a disk; null where the disk does not tell. Texts have no counts in
 * them, which grow on a disk that fails.
 */
export function parseSmartctl(text: string): DeviceHealth | null {
  const report = parseJson(text);
  const passed = valueAt(report, "smart_status", "passed");
  if (typeof passed !== "boolean") return null;
  const nvme = valueAt(report, "nvme_smart_health_information_log");
  const ofNvme = nvme === undefined ? HEALTHY : nvmeHealth(nvme, SMARTCTL_WORDS);
  if (ofNvme.state === "unhealthy") return ofNvme;
  if (!passed) return { state: "unhealthy", reason: "it says that it fails (SMART)" };
  if (hasUnreadableSectors(report)) {
    return { state: "degraded", reason: "it has sectors that cannot be read" };
  }
  return ofNvme;
}

/** What `nvme smart-log -o json` says; null where it says nothing. */
export function parseNvmeLog(text: string): DeviceHealth | null {
  const log = parseJson(text);
  const isAnswer = valueAt(log, "critical_warning") !== undefined;
  return isAnswer ? nvmeHealth(log, NVME_CLI_WORDS) : null;
}

interface Words {
  readonly spare: string;
  readonly spareMin: string;
  readonly used: string;
}
const SMARTCTL_WORDS: Words = {
  spare: "available_spare",
  spareMin: "available_spare_threshold",
  used: "percentage_used",
};
const NVME_CLI_WORDS: Words = {
  spare: "avail_spare",
  spareMin: "spare_thresh",
  used: "percent_used",
};

function nvmeHealth(log: unknown, words: Words): DeviceHealth {
  // Newer versions of nvme-cli write an object with the bits beside the value.
  const warning =
    numberAt(log, "critical_warning") ?? numberAt(log, "critical_warning", "value") ?? 0;
  const critical = CRITICAL.find(([bit]) => (warning & bit) !== 0);
  if (critical) return { state: critical[1], reason: critical[2] };
  const spare = numberAt(log, words.spare);
  const spareMin = numberAt(log, words.spareMin);
  if (spare !== null && spareMin !== null && spare < spareMin) {
    return { state: "degraded", reason: "its spare blocks run out" };
  }
  if ((numberAt(log, words.used) ?? 0) >= 100) {
    return { state: "degraded", reason: "it has been written as often as it is made for" };
  }
  if ((numberAt(log, "media_errors") ?? 0) > 0) {
    return { state: "degraded", reason: "it has lost data (media errors)" };
  }
  return HEALTHY;
}

function hasUnreadableSectors(report: unknown): boolean {
  return listAt(report, "ata_smart_attributes", "table").some(
    (attribute) =>
      UNREADABLE_SECTORS.has(numberAt(attribute, "id") ?? 0) &&
      (numberAt(attribute, "raw", "value") ?? 0) > 0,
  );
}
