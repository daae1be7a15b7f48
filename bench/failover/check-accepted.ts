import { BerthError, type WorkloadDetail } from "@berth/protocol";
import { callApi, until } from "@berth/e2e";
import type { Bus } from "@berth/runtime";

const ASKED_AT_ONCE = 32;

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
  const bus = buses[name.length % buses.length];
  if (bus === undefined) throw new Error("there is nobody to ask");
  return until(`there is an answer about ${name}`, async () => {
    try {
      return { answer: await callApi(bus, "workload.get", { workload: name }) };
    } catch (error) {
      if (error instanceof BerthError && error.code === "not_found") return { answer: null };
      throw error;
    }
  }).then(({ answer }) => answer);
}
