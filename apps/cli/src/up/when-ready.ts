import { setTimeout as delay } from "node:timers/promises";
import { BerthError, type ClusterStatus } from "@berth/protocol";
import type { ClusterClient } from "../cluster/cluster-client.ts";

const POLL_MS = 40;
const PROBE_TIMEOUT_MS = 1_000;

/**
 * Waits until the leader leads, this machine's node is ready and the console answers. Rejects with
 * `timeout`, saying which of them is missing, or when the signal is raised.
 */
export async function whenReady(
  client: ClusterClient,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<ClusterStatus> {
  const { consoleUrl, credentials } = client.cluster;
  const giveUpAt = performance.now() + timeoutMs;
  for (;;) {
    const missing: string[] = [];
    const status = await orNull(
      client.call("cluster.status", {}, { deadlineMs: PROBE_TIMEOUT_MS, signal }),
    );
    if (!status?.ready) missing.push("the scheduler");
    else {
      const node = await orNull(
        client.call(
          "node.get",
          { node: credentials.agent.publicKey },
          { deadlineMs: PROBE_TIMEOUT_MS, signal },
        ),
      );
      if (node?.status !== "ready") missing.push("this machine's agent");
    }
    if (!(await answers(consoleUrl))) missing.push("the console");
    if (missing.length === 0 && status) return status;
    if (performance.now() >= giveUpAt) {
      const waited = `${Math.round(timeoutMs / 1_000)} s`;
      throw new BerthError(
        "timeout",
        `not ready after ${waited}: ${missing.join(" and ")} does not answer`,
      );
    }
    await delay(POLL_MS, undefined, { signal });
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof BerthError) return null;
    throw error;
  }
}
