import { z } from "zod";
import {
  type Parsed,
  parseCpuMillis,
  parseDurationMs,
  parseDurationRangeMs,
  parseMemoryMiB,
  parseNetworkMbps,
} from "./quantity.ts";

export const CpuMillis = quantity(
  /^\d+(\.\d+)?m?$/,
  "cores as 2 or 0.5, or thousandths as 500m",
  parseCpuMillis,
);
export const MemoryMiB = quantity(
  /^\d+(\.\d+)? ?(KiB|MiB|GiB|TiB|PiB|kB|MB|GB|TB|PB)$/,
  "an amount with its unit, such as 128MiB, 1.5GiB or 2TiB",
  parseMemoryMiB,
);
export const NetworkMbps = quantity(
  /^\d+(\.\d+)? ?(kbps|Mbps|Gbps|Tbps)$/,
  "a bandwidth with its unit, such as 50Mbps or 10Gbps",
  parseNetworkMbps,
);
export const DurationMs = quantity(
  /^(\d+(\.\d+)?(ms|s|m|h|d))+$/,
  "a duration with its unit, such as 500ms, 30s, 5m, 2h or 1h30m",
  parseDurationMs,
);
export const DurationRangeMs = quantity(
  /^(\d+(\.\d+)?(ms|s|m|h|d))+(\.\.(\d+(\.\d+)?(ms|s|m|h|d))+)?$/,
  "a range of durations, such as 1s..1m",
  parseDurationRangeMs,
);

/** A zod field for a quantity: the unit-bearing text in, the integer out. */
function quantity<T>(
  pattern: RegExp,
  description: string,
  parse: (input: string | number) => Parsed<T>,
) {
  return z
    .union([z.string(), z.number()], { error: `expected ${description}` })
    .meta({ description, pattern: pattern.source })
    .transform((input, context): T => {
      const parsed = parse(input);
      if (parsed.ok) return parsed.value;
      context.addIssue({ code: "custom", message: parsed.message, input });
      return z.NEVER;
    });
}
