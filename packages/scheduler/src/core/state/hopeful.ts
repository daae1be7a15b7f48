import type { NoFit, PendingGroup, RejectionCode } from "@berth/protocol";

/** What a node lacks only because others hold it. */
export function isTransient(code: RejectionCode): boolean {
  return (
    code.endsWith(".free") ||
    code.startsWith("port.") ||
    code === "gpu.share" ||
    code === "allocations.max"
  );
}

/** Some node lacks only what others hold now. */
export function isHopeful(noFit: NoFit | null): boolean {
  return noFit === null || noFit.rejections.some(({ code }) => isTransient(code));
}

/** Something of it waits for room that it may have some day. */
export function hopesForRoom(pending: readonly PendingGroup[]): boolean {
  return pending.some(({ explanation }) => {
    if (explanation.reason === "no_fit") return isHopeful(explanation);
    return explanation.reason === "gang" && isHopeful(explanation.noFit);
  });
}

/** Something of it has been promised the room of others who were asked to stop. */
export function isPromised(pending: readonly PendingGroup[]): boolean {
  return pending.some(({ explanation }) => explanation.reason === "preempting");
}
