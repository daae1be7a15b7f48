/**
 * What both ends of the console's feed agree on beside its messages (`console-feed.ts`). Apart from
 * them, so that the page need not load the schemas.
 */
export const FEED_VERSION = 1;
export const FEED_PATH = "/api/v1/feed";

/** What both sides keep of the unbounded lists, so that folding deltas equals a fresh snapshot. */
export const feedLimits = {
  /** Ended allocations; the first to have ended makes room. Live ones are always all there. */
  finishedAllocationsMax: 500,
  eventsMax: 500,
} as const;
export type FeedLimits = Readonly<Record<keyof typeof feedLimits, number>>;

/** Why the gateway closes a socket: WebSocket close codes of the private range. */
export const feedCloseCodes = {
  /** Not JSON, none of the feed's messages, or one out of turn. */
  malformed: 4400,
  /** The page speaks another version: reload it. */
  version: 4426,
  /** Too many pages at once. */
  full: 4429,
} as const;
