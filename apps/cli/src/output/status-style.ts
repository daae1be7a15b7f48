import type { AllocationView, NodeView, WorkloadView } from "@berth/protocol";
import type { Style } from "./terminal.ts";

/** Colour only repeats what the word next to it says. */
export function workloadStyle(status: WorkloadView["status"]): Style | null {
  switch (status) {
    case "running":
    case "complete":
      return "green";
    case "pending":
    case "progressing":
    case "stopping":
      return "yellow";
    case "degraded":
    case "failed":
      return "red";
    case "stopped":
      return "dim";
  }
}

export function allocationStyle({
  status,
  health,
}: Pick<AllocationView, "status" | "health">): Style | null {
  switch (status) {
    case "running":
      return health === "unhealthy" ? "red" : health === "starting" ? "yellow" : "green";
    case "complete":
      return "green";
    case "placed":
    case "stopping":
      return "yellow";
    case "failed":
    case "lost":
      return "red";
    case "stopped":
      return "dim";
  }
}

export function nodeStyle({
  status,
  eligibility,
}: Pick<NodeView, "status" | "eligibility">): Style | null {
  if (status === "down") return "red";
  if (status === "suspect" || eligibility === "cordoned") return "yellow";
  return "green";
}
