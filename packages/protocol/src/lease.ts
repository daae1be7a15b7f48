import { z } from "zod";

/**
 * The one message of the lease stream: who tries to lead. It is a hint that keeps schedulers out of
 * each other's way; the log's sequence guard decides who may write, whatever this says.
 */
export const LeaseRecord = z.object({
  v: z.literal(1),
  /** Names one life of one process; no two are ever the same. */
  holder: z.string().min(1).max(64),
  /** Names it for people: host name and pid. */
  name: z.string().max(300),
  /** The term it leads; null while it has yet to open one. */
  term: z.int().min(1).nullable(),
  /** It has given the lease back: whoever comes first may take it. */
  released: z.boolean(),
});
export type LeaseRecord = z.infer<typeof LeaseRecord>;
