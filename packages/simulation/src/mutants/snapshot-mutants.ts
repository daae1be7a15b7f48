import type { Edit, Mutant } from "./mutant.ts";

const round = "scheduler/dist/shell/snapshot-round.js";
const recovery = "scheduler/dist/shell/recover-state.js";

/** The hash of what was decoded: it stands behind the checksum of the bytes. */
const noStateHash: Edit = {
  file: "scheduler/dist/shell/snapshot-load.js",
  find: "if (hash !== manifest.stateHash) {",
  replace: "if (false) {",
};

/** Snapshots, what is purged because of them, and what starts from them. */
export const snapshotMutants: readonly Mutant[] = [
  {
    name: "the log is purged while there is one copy",
    why: "what stands for the log's start is in two places",
    file: round,
    find: ".size >= snapshotLimits.copiesMin;",
    replace: ".size >= 1;",
  },
  {
    name: "the log is purged up to the newest snapshot",
    why: "one snapshot is not enough to purge by",
    file: "scheduler/dist/shell/snapshot-retention.js",
    find: "canPurge ? Math.min(anchor.seq, oldestOfNewest.seq) : null",
    replace: "(newest.at(-1)?.seq ?? null)",
  },
  {
    name: "the log is purged before snapshots are read back",
    why: "only what was just verified counts",
    file: round,
    find: `    for (const copy of copiesOf(due))
        await verify(copy, keeper, damaged);`,
    replace: "",
  },
  {
    name: "the log is purged before there is a snapshot",
    why: "first the snapshot, then the purge",
    file: round,
    find: `    const isNew = lastSeq > snapshotSeq;`,
    replace: `    if (lastSeq > 1)
        await components.keeper.purgeBefore(lastSeq);
    const isNew = lastSeq > snapshotSeq;`,
  },
  {
    name: "the checksum of a snapshot is not checked",
    why: "a flipped bit must be noticed",
    file: "runtime/dist/snapshot-digest.js",
    find: "if (found.sha256 !== manifest.sha256) {",
    replace: "if (false) {",
    besides: noStateHash,
  },
  {
    name: "recovery ends with the first damaged snapshot",
    why: "there are older ones",
    file: recovery,
    find: `            if (!loaded.ok)
                skip(snapshot, loaded.problem);`,
    replace: `            if (!loaded.ok)
                throw new Error(loaded.problem);`,
  },
  {
    name: "recovery forgets what came after the snapshot",
    why: "a snapshot is where the log goes on",
    file: recovery,
    find: `        if (stored.seq > seq)
            position = foldEntry(position, stored);`,
    replace: `        if (stored.seq > seq + 1)
            continue;
        if (stored.seq > seq)
            position = foldEntry(position, stored);`,
  },
  {
    name: "recovery that a purge overtakes gives up",
    why: "there is a newer snapshot",
    file: recovery,
    find: `        if (isGone(cause))
            return new Overtaken(cause);`,
    replace: "",
    besides: {
      file: recovery,
      find: "        if (overtaken?.isFinalAfter(listed))",
      replace: "        if (overtaken)",
    },
  },
  {
    name: "a log without its start is folded from where it begins",
    why: "nobody starts on a guess",
    file: recovery,
    find: `        if (bounds.first === 1)
            return recovered(await replayLog(log), 0);`,
    replace: `        const { state } = await replayLog({ read: () => [] });
        state.seq = bounds.first - 1;
        return recovered(await replayLog(log, { state, lastSeq: state.seq, lastHash: null }), 0);`,
  },
  {
    name: "a damaged snapshot stops every round",
    why: "what is damaged stands in nobody's way",
    file: round,
    find: `            return true;
        }
        catch (cause) {
            damaged.add(source, cause);
        }`,
    replace: `            return true;
        }
        catch (cause) {
            throw cause;
        }`,
  },
  {
    name: "a damaged snapshot is removed",
    why: "it may be all that is left, or of a later version",
    file: round,
    find: "const dropped = damaged.without(due);",
    replace: "const dropped = due;",
  },
  {
    name: "a snapshot does not remember answers",
    why: "a repeated request must not be done twice, whoever started anew",
    file: "scheduler/dist/core/state/snapshot/encode-state.js",
    find: 'yield ["answers", answerRows(state)];',
    replace: "",
  },
];
