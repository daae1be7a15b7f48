import type { FeedDelta } from "@berth/protocol";
import { assert } from "@berth/runtime";
import { encodeFrame } from "./encode-frame.ts";
import { mergeDeltas } from "./merge-deltas.ts";

export interface DeltaRingOptions {
  readonly deltasMax: number;
  readonly bytesMax: number;
}

interface Kept {
  readonly delta: FeedDelta;
  readonly frame: Buffer;
}

/** The newest deltas of one epoch, encoded once for everybody. */
export class DeltaRing {
  readonly #options: DeltaRingOptions;
  readonly #kept: Kept[] = [];
  #bytes = 0;
  /** The position before the oldest delta kept. */
  #baseSeq: number;
  #seq: number;

  constructor(options: DeltaRingOptions, seq: number) {
    this.#options = options;
    this.#baseSeq = seq;
    this.#seq = seq;
  }

  get seq(): number {
    return this.#seq;
  }

  push(delta: FeedDelta): void {
    assert(delta.previousSeq === this.#seq, "a delta follows the one before it");
    const frame = encodeFrame(delta);
    this.#kept.push({ delta, frame });
    this.#bytes += frame.length;
    this.#seq = delta.seq;
    while (this.#kept.length > this.#options.deltasMax || this.#bytes > this.#options.bytesMax) {
      const dropped = this.#kept.shift();
      if (dropped === undefined) return;
      this.#bytes -= dropped.frame.length;
      this.#baseSeq = dropped.delta.seq;
    }
  }

  /**
   * One frame that leads from `seq` to the newest position; null when `seq` is no position of this
   * ring any more, or never was, so that only a snapshot helps.
   */
  frameAfter(seq: number): Buffer | null {
    const at = seq === this.#baseSeq ? 0 : this.#indexAfter(seq);
    if (at === null) return null;
    const [first, ...rest] = this.#kept.slice(at);
    if (first === undefined) return null;
    if (rest.length === 0) return first.frame;
    return encodeFrame(mergeDeltas([first.delta, ...rest.map(({ delta }) => delta)]));
  }

  #indexAfter(seq: number): number | null {
    const at = this.#kept.findLastIndex(({ delta }) => delta.seq === seq);
    return at === -1 ? null : at + 1;
  }
}
