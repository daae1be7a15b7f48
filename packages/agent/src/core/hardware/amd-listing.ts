import type { DeviceHealth, Gpu } from "@berth/protocol";
import { listAt, numberAt, parseJson, textAt, valueAt } from "./json-value.ts";

/** What `amd-smi`, the four times it is asked, writes as JSON; "" for what it did not answer. */
export interface AmdAnswers {
  /** `amd-smi list --json` */
  readonly list: string;
  /** `amd-smi static --json` */
  readonly facts: string;
  /** `amd-smi topology --json` */
  readonly topology: string;
  /** `amd-smi metric --ecc --json` */
  readonly ecc: string;
}

/**
 * The devices that `amd-smi` lists. Versions differ: ROCm 6 writes a list, ROCm 7 an object with the
 * list under `gpu_data`; fields were renamed along the way. A device without an id is not listed.
 */
export function parseAmdListing(answers: AmdAnswers): Gpu[] {
  const facts = byNumber(answers.facts);
  const topology = byNumber(answers.topology);
  const errors = byNumber(answers.ecc);
  const listed = [...byNumber(answers.list)]
    .flatMap(([number, device]) => {
      const uuid = textAt(device, "uuid");
      return uuid === null ? [] : [{ number, uuid, device }];
    })
    .sort((a, b) => (a.uuid < b.uuid ? -1 : 1));
  return listed.map(({ number, uuid, device }) => ({
    uuid,
    vendor: "amd",
    ...factsOf(facts.get(number)),
    pciAddress: textAt(device, "bdf"),
    ...(topology.size === 0
      ? {}
      : {
          links: listed.map((other) =>
            other.number === number ? null : linkBetween(topology.get(number), other.number),
          ),
        }),
    health: healthOf(errors.get(number)),
  }));
}

function factsOf(facts: unknown): Omit<Gpu, "uuid" | "pciAddress"> {
  const partition = textAt(facts, "partition", "compute_partition");
  const schema = textAt(facts, "ras", "double_bit_schema");
  return {
    model:
      textAt(facts, "asic", "market_name") ?? textAt(facts, "board", "product_name") ?? "unknown",
    memoryMiB: memoryOf(valueAt(facts, "vram", "size") ?? valueAt(facts, "vram", "vram_size")),
    driverVersion: textAt(facts, "driver", "version") ?? textAt(facts, "driver", "driver_version"),
    // SPX is a device in one piece.
    isPartitioned: partition === null ? null : partition !== "SPX",
    hasEcc: schema === null ? null : schema === "ENABLED",
  };
}

/** Its "MB" are MiB: an MI300X of 192 GiB has 196,592 of them. */
function memoryOf(size: unknown): number | null {
  const value = numberAt(size, "value");
  switch (textAt(size, "unit")) {
    case "MB":
      return value;
    case "GB":
      return value === null ? null : Math.floor(value * 1_024);
    case "B":
      return value === null ? null : Math.floor(value / 1_048_576);
    default:
      return null;
  }
}

function linkBetween(topology: unknown, other: number): string | null {
  const link = listAt(topology, "links").find((each) => numberAt(each, "gpu") === other);
  return textAt(link, "link_type");
}

function healthOf(errors: unknown): DeviceHealth {
  const uncorrected = numberAt(errors, "ecc", "total_uncorrectable_count") ?? 0;
  return uncorrected > 0
    ? { state: "degraded", reason: "memory errors that could not be corrected" }
    : { state: "healthy", reason: null };
}

function byNumber(text: string): ReadonlyMap<number, unknown> {
  const json = parseJson(text);
  const list = Array.isArray(json) ? json : listAt(json, "gpu_data");
  return new Map(
    list.flatMap((device) => {
      const number = numberAt(device, "gpu");
      return number === null ? [] : [[number, device] as const];
    }),
  );
}
