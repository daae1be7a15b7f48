import { formatCpuMillis, formatMemoryMiB, formatNetworkMbps } from "@berth/protocol";

/** What a bar can be about: the scalar dimensions and whole GPUs. */
export const shownDimensions = ["cpu", "memory", "disk", "network", "gpu"] as const;
export type ShownDimension = (typeof shownDimensions)[number];

export const dimensionLabels: Readonly<Record<ShownDimension, string>> = {
  cpu: "CPU",
  memory: "Memory",
  disk: "Disk",
  network: "Network",
  gpu: "GPU",
};

/** An amount in a dimension's own unit, as people read it: `1.5`, `2.4GiB`, `1Gbps`, `3`. */
export function formatAmount(dimension: ShownDimension, amount: number): string {
  const rounded = Math.round(amount);
  switch (dimension) {
    case "cpu":
      return rounded < 1_000 ? formatCpuMillis(rounded) : trimmed(rounded / 1_000);
    case "memory":
    case "disk":
      return rounded === 0 ? "0" : formatMemoryMiB(rounded);
    case "network":
      return rounded === 0 ? "0" : formatNetworkMbps(rounded);
    case "gpu":
      return String(rounded);
  }
}

/** The noun behind an amount that carries no unit: `4 cores`. */
export function unitNoun(dimension: ShownDimension): string {
  return dimension === "cpu" ? "cores" : "";
}

interface Amounts {
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  readonly diskMiB: number;
  readonly networkMbps: number | null;
}

/** The scalar dimension of a record of amounts; GPUs are counted elsewhere. */
export function amountOf(
  amounts: Amounts,
  dimension: Exclude<ShownDimension, "gpu">,
): number | null {
  switch (dimension) {
    case "cpu":
      return amounts.cpuMillis;
    case "memory":
      return amounts.memoryMiB;
    case "disk":
      return amounts.diskMiB;
    case "network":
      return amounts.networkMbps;
  }
}

function trimmed(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, "");
}
