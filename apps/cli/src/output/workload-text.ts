import type { WorkloadView } from "@berth/protocol";

type Progress = Pick<
  WorkloadView,
  | "kind"
  | "status"
  | "desired"
  | "running"
  | "healthy"
  | "pending"
  | "complete"
  | "failed"
  | "reason"
>;

/** `running 3/3 healthy`, `pending 0/1 complete, 1 waits: …`: where it is on its way, in one line. */
export function progressText(view: Progress): string {
  const { kind, desired, complete, healthy, pending, failed, running, reason } = view;
  const goal =
    kind === "batch"
      ? `${complete}/${desired} complete${running > 0 ? `, ${running} running` : ""}`
      : `${healthy}/${desired} healthy`;
  const waits = pending > 0 ? `, ${pending} ${pending === 1 ? "waits" : "wait"}` : "";
  const ended = failed > 0 ? `, ${failed} failed` : "";
  return `${view.status}  ${goal}${waits}${ended}${reason === null ? "" : `: ${reason}`}`;
}
