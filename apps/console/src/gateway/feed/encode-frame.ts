import type { FeedFrame } from "@berth/protocol";

export function encodeFrame(frame: FeedFrame): Buffer {
  return Buffer.from(JSON.stringify(frame), "utf8");
}
