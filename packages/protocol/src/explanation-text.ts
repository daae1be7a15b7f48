import type { Exit } from "./allocation.ts";
import type {
  NearestFit,
  NoFit,
  PendingExplanation,
  PendingGroup,
  Rejection,
  RejectionCode,
} from "./explanation.ts";
import type { QuotaDimension } from "./project.ts";
import {
  formatCpuMillis,
  formatDurationMs,
  formatMemoryMiB,
  formatNetworkMbps,
} from "./quantity.ts";

/**
 * Explanations as sentences, for people. One renderer, so that the command line and the console
 * say the same. Nothing ever parses these.
 */

/** How a process ended, to follow "it": `exited with code 1`. */
export function describeExit(exit: Exit): string {
  switch (exit.kind) {
    case "code":
      return `exited with code ${exit.code}`;
    case "signal":
      return `was killed by ${exit.signal}`;
    case "oom": {
      const bound = exit.limitMiB === null ? "" : `: it may use ${formatMemoryMiB(exit.limitMiB)}`;
      return `ran out of memory and was killed${bound}`;
    }
    case "timeout":
      return `was ended after ${formatDurationMs(exit.limitMs)}, as long as it may run`;
    case "disk":
      return `ran out of disk: ${exit.message}`;
    case "prestart":
      return `did not start: ${exit.message}`;
    case "unknown":
      return `ended unseen: ${exit.message}`;
  }
}

/** Which indexes wait and why: `3 waiting (0-1, 4): fits none of 2 nodes: …`. */
export function describePendingGroup(
  group: PendingGroup,
  options: { nowUnixMs?: number } = {},
): string {
  const ranges = group.indexes.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`));
  const shown = ranges.length > 6 ? [...ranges.slice(0, 6), "…"] : ranges;
  return `${group.count} waiting (${shown.join(", ")}): ${describePending(group.explanation, options)}`;
}

/** Why an index waits. With `nowUnixMs` a retry says in how long. */
export function describePending(
  explanation: PendingExplanation,
  { nowUnixMs }: { nowUnixMs?: number } = {},
): string {
  switch (explanation.reason) {
    case "no_fit":
      return describeNoFit(explanation);
    case "backoff": {
      const times = explanation.failures === 1 ? "once" : `${explanation.failures} times`;
      const leftMs = nowUnixMs === undefined ? null : explanation.untilUnixMs - nowUnixMs;
      const next =
        leftMs === null
          ? "waits before the next attempt"
          : leftMs > 0
            ? `next attempt in ${formatDurationMs(leftMs)}`
            : "next attempt now";
      return `failed ${times}, last: it ${explanation.lastFailure}; ${next}`;
    }
    case "update":
      return (
        `waits for its turn: ${explanation.unavailable} unavailable already, ` +
        `at most ${explanation.maxUnavailable} may be`
      );
    case "predecessor":
      return `waits for ${explanation.allocationId} on ${explanation.nodeName} to end`;
    case "gang": {
      const where = explanation.within === null ? "" : ` within one ${explanation.within}`;
      const why =
        explanation.noFit === null ? "" : `; the next ${describeNoFit(explanation.noFit)}`;
      return `needs a place for all ${explanation.size} at once${where}, has ${explanation.placeable}${why}`;
    }
    case "quota": {
      const { project, dimension, limit, used, requested } = explanation;
      const [asked, most, taken] = [requested, limit, used].map((amount) =>
        describeQuota(dimension, amount),
      );
      return `project ${project} may use ${most} and uses ${taken}; it needs ${asked}`;
    }
    case "behind": {
      const { startsAtUnixMs, timeLimitMsMax } = explanation;
      const leftMs =
        nowUnixMs === undefined || startsAtUnixMs === null ? null : startsAtUnixMs - nowUnixMs;
      const when =
        leftMs === null ? "" : `, which starts in ${formatDurationMs(Math.max(0, leftMs))}`;
      const sooner =
        timeLimitMsMax === null
          ? ""
          : `; with a time limit of ${formatDurationMs(timeLimitMsMax)} it would start now`;
      return `the room is kept for ${explanation.workload}${when}${sooner}`;
    }
    case "preempting": {
      const { victims, nodeNames } = explanation;
      const [others, they] =
        victims === 1 ? ["1 other", "it has"] : [`${victims} others`, "they have"];
      return `gets the room of ${others} on ${listedNames(nodeNames)} when ${they} ended`;
    }
    case "queued":
      return "accepted, not reached by the scheduler yet";
  }
}

const NAMES_SHOWN_MAX = 3;

function listedNames(names: readonly string[]): string {
  if (names.length <= NAMES_SHOWN_MAX) return joined(names);
  return `${names.slice(0, NAMES_SHOWN_MAX).join(", ")} and ${names.length - NAMES_SHOWN_MAX} more`;
}

/** An amount of what quotas count: `2.5 GPUs`, `64GiB memory`. */
export function describeQuota(dimension: QuotaDimension, amount: number): string {
  switch (dimension) {
    case "cpuMillis":
      return `${formatCpuMillis(amount)} cpu`;
    case "memoryMiB":
      return `${formatMemoryMiB(amount)} memory`;
    case "gpuMillis":
      return `${amount / 1_000} GPUs`;
  }
}

/** Why no node fits, every node in exactly one part of the sentence. */
export function describeNoFit(noFit: NoFit): string {
  if (noFit.nodesTotal === 0) return "there are no nodes";
  const parts = noFit.rejections.map(describeRejection);
  return `fits none of ${countOf(noFit.nodesTotal, "node")}: ${parts.join("; ")}`;
}

/** What one node lacks: `fits on r1-s02 with 6 more GPUs`. */
export function describeNearestFit({ nodeName, shortfalls }: NearestFit): string {
  const conditions: string[] = [];
  const amounts: string[] = [];
  for (const { code, requested, available } of shortfalls) {
    if (requested === null || available === null || !isAmount(code)) conditions.push(REMEDY[code]);
    else amounts.push(`${describeAmount(code, requested - available, "more ")}${freeOf(code)}`);
  }
  const withAmounts = amounts.length > 0 ? ` with ${joined(amounts)}` : "";
  const ifConditions = conditions.length > 0 ? ` if ${joined([...new Set(conditions)])}` : "";
  return `fits on ${nodeName}${withAmounts}${ifConditions}`;
}

/** One step that nodes failed at, with how many and by how much. */
export function describeRejection(rejection: Rejection): string {
  const { code, nodes, subject, requested, best } = rejection;
  const one = nodes === 1;
  const who = countOf(nodes, "node");
  const has = one ? "has" : "have";
  const asked = requested === null ? "what it needs" : describeAmount(code, requested);
  const most = best === null ? "" : ` (most: ${describeQuantity(code, best)})`;
  switch (code) {
    case "node.down":
      return `${who} ${one ? "is" : "are"} down`;
    case "node.suspect":
      return `${who} ${one ? "does" : "do"} not answer`;
    case "node.draining":
      return `${who} ${one ? "is" : "are"} draining`;
    case "node.cordoned":
      return `${who} ${one ? "is" : "are"} cordoned`;
    case "pool":
      return `${who} ${one ? "is" : "are"} in another pool than ${subject ?? "it asks for"}`;
    case "taint":
      return `${who} ${has} ${named("taint", subject)}, which it does not tolerate`;
    case "driver.unavailable":
      return `${who} ${has} no working driver for it`;
    case "constraint":
      return `${who} ${one ? "does" : "do"} not meet '${subject ?? "a constraint"}'`;
    case "gpu.model":
      return `${who} ${has} no GPU of the model and memory it needs`;
    case "disk.class":
      return `${who} ${has} no ${subject ?? "such"} disk`;
    case "numa.capacity":
      return `no NUMA zone of ${who} is large enough`;
    case "numa.free":
      return `no NUMA zone of ${who} has enough left`;
    case "gpu.share":
      return `needs ${(requested ?? 0) / 1_000} of a GPU, more than any on ${who} has left${
        best === null ? "" : ` (most: ${best / 1_000})`
      }`;
    case "device.capacity":
    case "device.free": {
      const left = code === "device.free" ? "free" : "in all";
      return `needs ${requested ?? 1} ${subject ?? "devices"}, more than ${who} ${has} ${left}${most}`;
    }
    case "distinct":
      return `${who} ${has} as many of it as one ${subject ?? "value"} may`;
    case "colocation":
      return `nothing of ${subject ?? "the workload it goes with"} is at ${who}`;
    case "reserved":
      return `${who} ${one ? "is" : "are"} kept for ${subject ?? "others"}`;
    case "network.unknown":
      return `${who} ${one ? "does" : "do"} not know the speed of ${one ? "its" : "their"} network`;
    case "allocations.max":
      return `${who} ${one ? "holds" : "hold"} as many allocations as a node may`;
    case "gpu.capacity":
    case "cpu.capacity":
    case "memory.capacity":
    case "disk.capacity":
    case "network.capacity":
    case "gpu.health":
    case "disk.health":
    case "gpu.free":
    case "cpu.free":
    case "memory.free":
    case "disk.free":
    case "network.free":
      return `needs ${asked}, more than ${who} ${has} ${wordOf(code)}${most}`;
    case "port.static":
      return `${named("port", subject)} is taken on ${who}`;
    case "port.range":
      return `needs ${requested ?? 1} free ports of the node's range, more than ${who} ${has}${most}`;
  }
}

/** Of what there is too little: all of it, what is healthy of it, or what is free. */
function wordOf(code: RejectionCode): string {
  const [, of = ""] = code.split(".");
  return of === "capacity" ? "in all" : of === "health" ? "healthy" : of;
}

/** One of a kind by name, or one of those that an explanation does not tell one by one. */
function named(kind: string, subject: string | null): string {
  return subject === null ? `another ${kind}` : `${kind} ${subject}`;
}

const REMEDY: Readonly<Record<RejectionCode, string>> = {
  "node.down": "it comes back",
  "node.suspect": "it answers again",
  "node.draining": "its drain is ended (berth node uncordon)",
  "node.cordoned": "it is uncordoned",
  pool: "it is in the pool",
  taint: "its taint is tolerated",
  "driver.unavailable": "its driver works",
  constraint: "the constraints allow it",
  "gpu.model": "it gets such a GPU",
  "gpu.capacity": "it has more GPUs",
  "gpu.health": "its GPUs are mended",
  "device.capacity": "it has more of the device",
  "disk.class": "it gets such a disk",
  "numa.capacity": "it has a larger NUMA zone",
  "numa.free": "a NUMA zone there becomes free",
  "gpu.share": "more of a GPU there becomes free",
  "device.free": "devices there become free",
  distinct: "more of it may share the value",
  colocation: "what it goes with runs there",
  reserved: "it is no longer kept for others",
  "cpu.capacity": "it has more cpu",
  "memory.capacity": "it has more memory",
  "disk.capacity": "it has more disk",
  "disk.health": "its disk is replaced",
  "network.unknown": "its network speed is set",
  "network.capacity": "it has more network",
  "allocations.max": "an allocation there ends",
  "gpu.free": "GPUs there become free",
  "cpu.free": "cpu there becomes free",
  "memory.free": "memory there becomes free",
  "disk.free": "disk there becomes free",
  "network.free": "network there becomes free",
  "port.static": "the port there becomes free",
  "port.range": "ports there become free",
};

function isAmount(code: RejectionCode): boolean {
  return (
    code === "port.range" ||
    (code !== "allocations.max" &&
      !code.startsWith("numa.") &&
      (code.endsWith(".capacity") || code.endsWith(".free")))
  );
}

function freeOf(code: RejectionCode): string {
  return code.endsWith(".free") || code === "port.range" ? " free" : "";
}

/** An amount with its unit and noun: `2GiB memory`, `8 GPUs`. */
function describeAmount(code: RejectionCode, amount: number, more = ""): string {
  const [dimension] = code.split(".");
  if (dimension === "gpu") return `${amount} ${more}${amount === 1 ? "GPU" : "GPUs"}`;
  if (dimension === "port") return `${amount} ${more}${amount === 1 ? "port" : "ports"}`;
  return `${describeQuantity(code, amount)} ${more}${dimension}`;
}

function describeQuantity(code: RejectionCode, amount: number): string {
  switch (code.split(".")[0]) {
    case "cpu":
      return formatCpuMillis(amount);
    case "memory":
    case "disk":
      return formatMemoryMiB(amount);
    case "network":
      return amount === 0 ? "0Mbps" : formatNetworkMbps(amount);
    default:
      return String(amount);
  }
}

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function joined(parts: readonly string[]): string {
  const last = parts.at(-1) ?? "";
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(", ")} and ${last}`;
}
