import { readdirSync, readFileSync } from "node:fs";
import { ClusterEvent } from "@berth/protocol";
import { hashEntry, NO_ENTRY_HASH } from "@berth/runtime";
import { describe, expect, test } from "vitest";
import {
  applyEntry,
  type ClusterState,
  createState,
  decodeState,
  encodeState,
  stateHash,
} from "../src/core/index.ts";
import { checkInvariants } from "../src/core/testing/check-invariants.ts";
import { decodeEntry } from "../src/shell/log-codec.ts";

/** What earlier versions wrote, for ever: `golden/write.mjs` adds the files of a new version. */
const folder = new URL("golden/", import.meta.url);
const versions = readdirSync(folder).flatMap((name) => /^log-(v\d+)\.jsonl$/.exec(name)?.[1] ?? []);
const NEWEST = versions.toSorted().at(-1);

interface Expected {
  readonly entries: number;
  readonly snapshotSeq: number;
  readonly stateHash: string;
}

function expectedOf(version: string): Expected {
  return JSON.parse(readFileSync(new URL(`expected-${version}.json`, folder), "utf8"));
}

function linesOf(name: string): Uint8Array[] {
  const lines = readFileSync(new URL(name, folder), "utf8").trimEnd().split("\n");
  return lines.map((line) => new TextEncoder().encode(line));
}

/** Folds the entries after `from`; the chain is checked from the first one on. */
function fold(state: ClusterState, version: string, from = 0): ClusterState {
  let previous = NO_ENTRY_HASH;
  for (const [index, bytes] of linesOf(`log-${version}.jsonl`).entries()) {
    const seq = index + 1;
    const entry = decodeEntry({ seq, bytes }, previous);
    previous = hashEntry(bytes);
    if (seq > from) applyEntry(state, seq, entry);
  }
  return state;
}

describe.each(versions)("what %s wrote", (version) => {
  const expected = expectedOf(version);

  test("still folds to the state it was", () => {
    const state = fold(createState(), version);
    expect(state.seq).toBe(expected.entries);
    checkInvariants(state);
    expect(stateHash(state)).toBe(expected.stateHash);
  });

  test("goes on from its snapshot to the same state", () => {
    const restored = decodeState(linesOf(`state-${version}.jsonl`));
    expect(restored.seq).toBe(expected.snapshotSeq);
    checkInvariants(restored);
    fold(restored, version, expected.snapshotSeq);
    expect(stateHash(restored)).toBe(expected.stateHash);
  });
});

test("every type of event occurs in the golden logs", () => {
  const types = new Set(
    versions.flatMap((version) =>
      linesOf(`log-${version}.jsonl`).flatMap((bytes, index) =>
        decodeEntry({ seq: index + 1, bytes }, null).events.map(({ type }) => type),
      ),
    ),
  );
  const known = ClusterEvent.options.map((option) => option.shape.type.value);
  expect(known.filter((type) => !types.has(type))).toEqual([]);
});

test("this version writes a state byte for byte as its golden one", () => {
  const written = linesOf(`state-${NEWEST}.jsonl`);
  expect([...encodeState(decodeState(written))]).toEqual(written);
});
