import type {
  AllocationStatus,
  AllocationView,
  Health,
  NodeView,
  WorkloadStatus,
} from "@berth/protocol";

/** A colour with a shape: state is never told by colour alone. */
export type Tone = "ok" | "running" | "pending" | "failed" | "draining" | "done";

export interface StatusWord {
  readonly tone: Tone;
  readonly word: string;
}

export function nodeStatus(node: Pick<NodeView, "status" | "eligibility" | "drain">): StatusWord {
  if (node.status === "down") return { tone: "failed", word: "down" };
  if (node.status === "suspect") return { tone: "pending", word: "suspect" };
  if (node.drain !== null) return { tone: "draining", word: "draining" };
  if (node.eligibility === "cordoned") return { tone: "draining", word: "cordoned" };
  return { tone: "ok", word: "ready" };
}

const WORKLOAD_TONES: Readonly<Record<WorkloadStatus, Tone>> = {
  pending: "pending",
  progressing: "pending",
  running: "running",
  degraded: "failed",
  complete: "done",
  failed: "failed",
  stopping: "draining",
  stopped: "done",
};

export function workloadStatus(status: WorkloadStatus): StatusWord {
  return { tone: WORKLOAD_TONES[status], word: status };
}

const ALLOCATION_TONES: Readonly<Record<AllocationStatus, Tone>> = {
  placed: "pending",
  running: "running",
  stopping: "draining",
  complete: "done",
  failed: "failed",
  stopped: "done",
  lost: "failed",
};

/** An allocation whose check fails is not well, whatever its process does. */
export function allocationStatus({
  status,
  health,
}: Pick<AllocationView, "status" | "health">): StatusWord {
  if (status === "running" && health === "unhealthy") return { tone: "failed", word: "unhealthy" };
  if (status === "running" && health === "starting") return { tone: "pending", word: "starting" };
  return { tone: ALLOCATION_TONES[status], word: status };
}

export function healthWord(health: Health): StatusWord {
  switch (health) {
    case "none":
      return { tone: "done", word: "no check" };
    case "starting":
      return { tone: "pending", word: "starting" };
    case "healthy":
      return { tone: "ok", word: "healthy" };
    case "unhealthy":
      return { tone: "failed", word: "unhealthy" };
  }
}
