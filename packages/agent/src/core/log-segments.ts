/**
 * The log of one stream as files: rotated ones, whose names carry the absolute offset of their
 * first byte, and the one being written, which follows on the last of them. Offsets count
 * everything the task ever wrote and that is not lost in the moment of a rotation.
 */
export interface Segment {
  readonly startOffset: number;
  readonly sizeBytes: number;
}

/** A place to read from. */
export interface Position {
  /** Index into the segments. */
  readonly segment: number;
  /** Byte within that segment. */
  readonly within: number;
  /** The absolute offset found; larger than asked for when older bytes are gone. */
  readonly offset: number;
  readonly skippedBytes: number;
}

export function endOffset(segments: readonly Segment[]): number {
  const last = segments.at(-1);
  return last === undefined ? 0 : last.startOffset + last.sizeBytes;
}

/**
 * Finds an absolute offset; a negative one counts back from the end. Beyond the end is the end.
 * Bytes that were rotated away, before the first segment or between two, are counted as skipped.
 */
export function locate(segments: readonly Segment[], asked: number): Position {
  const end = endOffset(segments);
  const first = segments[0]?.startOffset ?? 0;
  const wanted = asked < 0 ? Math.max(first, end + asked) : Math.min(asked, end);
  for (const [index, { startOffset, sizeBytes }] of segments.entries()) {
    if (wanted >= startOffset + sizeBytes && index < segments.length - 1) continue;
    const offset = Math.max(wanted, startOffset);
    const skippedBytes = offset - wanted;
    return { segment: index, within: offset - startOffset, offset, skippedBytes };
  }
  return { segment: 0, within: 0, offset: 0, skippedBytes: 0 };
}

/** The rotated segments that go when only `filesMax` files, the current one included, are kept. */
export function expiredSegments<S extends Segment>(rotated: readonly S[], filesMax: number): S[] {
  return rotated.slice(0, Math.max(0, rotated.length - (filesMax - 1)));
}
