import { setTimeout as delay } from "node:timers/promises";
import { type ApiReply, type ApiRequest, BerthError } from "@berth/protocol";
import type { ClusterClient } from "../cluster/cluster-client.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";

export interface WaitOptions {
  readonly timeoutMs: number;
  /** Wakes only for what concerns this workload or node; null for any event. */
  readonly workload?: string | null;
  readonly node?: string | null;
  /** Raised to stop waiting; Ctrl-C unless another is given. */
  readonly signal?: AbortSignal;
}

/** What a command that waits needs of its context. */
export interface Waiting {
  readonly client: Pick<ClusterClient, "call">;
  /** Raised by Ctrl-C. */
  readonly interrupted: AbortSignal;
}

const POLL_WAIT_MS = 5_000;
/** A burst of events is one look, not many. */
const BURST_MS = 20;
const RETRY_WAIT_MS = 500;

/**
 * Looks, and looks again after each event, until `look` has an answer; 7 when the time is up and
 * 130 on Ctrl-C. The cluster may be unreachable for a while: waiting goes on until the time is up.
 */
export async function waitForEvents(
  context: Waiting,
  { timeoutMs, workload = null, node = null, signal = context.interrupted }: WaitOptions,
  look: () => Promise<ExitCode | null>,
): Promise<ExitCode> {
  const { client } = context;
  const giveUpAt = performance.now() + timeoutMs;
  let afterSeq: number | null = null;
  for (;;) {
    try {
      // Asked before looking, so that nothing between the look and the wait is missed.
      afterSeq ??= (await client.call("event.list", { newest: true, limit: 1 }, { signal })).seq;
      const answer = await look();
      if (answer !== null) return answer;
      const leftMs = giveUpAt - performance.now();
      if (leftMs <= 0) return exitCodes.timeout;
      const waitMs = Math.ceil(Math.min(POLL_WAIT_MS, leftMs));
      const request: ApiRequest<"event.list"> = { afterSeq, limit: 1_000, waitMs, workload, node };
      const page: ApiReply<"event.list"> = await client.call("event.list", request, {
        waitMs,
        signal,
      });
      if (page.seq > afterSeq) await delay(BURST_MS, undefined, { signal });
      afterSeq = page.seq;
    } catch (error) {
      if (signal.aborted) return exitCodes.interrupted;
      if (!(error instanceof BerthError) || !error.retryable) throw error;
      if (performance.now() >= giveUpAt) return exitCodes.timeout;
      await delay(RETRY_WAIT_MS);
    }
  }
}
