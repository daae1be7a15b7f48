import type { AllocationStatus, Health, Outcome, StopReason } from "@berth/protocol";

/** Final: it ended, and holds nothing any more. */
export function isFinal(status: AllocationStatus): boolean {
  return outcomeOf(status) !== null;
}

/** How it ended; null while it is live. */
export function outcomeOf(status: AllocationStatus): Outcome | null {
  switch (status) {
    case "placed":
    case "running":
    case "stopping":
      return null;
    case "complete":
    case "failed":
    case "stopped":
    case "lost":
      return status;
  }
}

/** It serves: runs, and its check passes or it has none. */
export function isAvailable({
  status,
  health,
}: {
  readonly status: AllocationStatus;
  readonly health: Health;
}): boolean {
  return status === "running" && (health === "none" || health === "healthy");
}

/** It was stopped because others want its room, not by what its own workload asks. */
export function isForOthers(reason: StopReason): boolean {
  return reason === "preempted" || reason === "reclaimed";
}
