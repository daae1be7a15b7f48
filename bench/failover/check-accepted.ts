import { subjects, type WorkloadDetail } from "@berth/protocol";
import { until } from "@berth/e2e";
import type { Bus } from "@berth/runtime";

const ASKED_AT_ONCE = 32;
const ANSWER_TIMEOUT_MS = 5_000;

/**
 * Asks for every accepted workload by name. `missing` are those that the cluster does not know;
 * `doneTwice` are indexes that completed more than once, of the submissions that ran a task.
 */
export async function checkAccepted(
  buses: readonly Bus[],
  names: readonly string[],
  taskEvery: number,
): Promise<{ missing: string[]; doneTwice: string[] }> {
  const missing: string[] = [];
  const doneTwice: string[] = [];
  const left = [...names];
  const worker = async () => {
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      const detail = await ask(buses, name);
      if (detail === null) missing.push(name);
      else if (Number(name.split("-").at(-1)) % taskEvery === 0) {
        const done = detail.allocations.filter(({ status }) => status === "complete");
        const indexes = new Set(done.map(({ index }) => index));
        if (done.length > indexes.size) doneTwice.push(name);
      }
    }
  };
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, worker));
  return { missing, doneTwice };
}

/** Null when the cluster says that there is no such workload; anything else is asked again. */
function ask(buses: readonly Bus[], name: string): Promise<WorkloadDetail | null> {
  return until(`there is an answer about ${name}`, async () => {
    const bus = buses[name.length % buses.length];
    const reply = (await bus?.request(
      subjects.api("workload.get"),
      { v: 1, workload: name },
      { timeoutMs: ANSWER_TIMEOUT_MS },
    )) as { ok: boolean; value?: WorkloadDetail; error?: { code: string } } | undefined;
    if (reply?.error?.code === "not_found") return { answer: null };
    return reply?.value === undefined ? false : { answer: reply.value };
  }).then(({ answer }) => answer);
}
