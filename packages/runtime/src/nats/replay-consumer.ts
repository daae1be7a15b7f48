import { AckPolicy, type ConsumerConfig, DeliverPolicy, ReplayPolicy } from "nats";

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
