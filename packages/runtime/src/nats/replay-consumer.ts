import { AckPolicy, type ConsumerConfig, DeliverPolicy, type JsMsg, ReplayPolicy } from "nats";
import type { NatsBus } from "./bus.ts";

/** A consumer of everything from `seq` on, kept in the server's memory for as long as it is used. */
export function replayFrom(seq: number): Partial<ConsumerConfig> {
  return {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: seq,
    replay_policy: ReplayPolicy.Instant,
    mem_storage: true,
    num_replicas: 1,
  };
}

/** What a consumer can be asked for; a part of the client's `Consumer`. */
export interface Fetches {
  fetch(options: { max_messages: number; expires: number }): Promise<AsyncIterable<JsMsg>>;
}

/**
 * The next `count` messages of a consumer, batch by batch. While one is used the next is on its way.
 * Ends early, with an empty batch, when nothing came for `expiresMs`.
 */
export async function* inBatches(
  bus: NatsBus,
  consumer: Fetches,
  count: number,
  { messagesMax, expiresMs }: { messagesMax: number; expiresMs: number },
): AsyncGenerator<readonly JsMsg[]> {
  let left = count;
  const ask = () => {
    const batch = bus.untilLost(collect(consumer, Math.min(messagesMax, left), expiresMs));
    batch.catch(() => {
      // Heard where it is awaited, unless nobody wants it any more.
    });
    return batch;
  };
  let next = ask();
  for (;;) {
    const batch = await next;
    left -= batch.length;
    const isLast = left <= 0 || batch.length === 0;
    if (!isLast) next = ask();
    yield batch;
    if (isLast) return;
  }
}

async function collect(consumer: Fetches, count: number, expiresMs: number): Promise<JsMsg[]> {
  const batch: JsMsg[] = [];
  const messages = await consumer.fetch({ max_messages: count, expires: expiresMs });
  for await (const message of messages) batch.push(message);
  return batch;
}
