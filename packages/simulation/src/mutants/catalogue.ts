import { decisionMutants } from "./decision-mutants.ts";
import type { Edit, Mutant } from "./mutant.ts";
import { snapshotMutants } from "./snapshot-mutants.ts";

const journal = "scheduler/dist/shell/entry-journal.js";

/** A leader goes on as if the lease were its own until an append is refused. */
const endlessLease: Edit = {
  file: "scheduler/dist/shell/lease-keeper.js",
  find: "    #lose(why) {",
  replace: `    #lose(why) {
        return;`,
};

/** The log, who writes it, and what may leave a scheduler before it is there. */
const logMutants: readonly Mutant[] = [
  {
    name: "no sequence guard",
    why: "the engine's guard is all that keeps a deposed leader from writing",
    file: "simulation/dist/world/stream-model.js",
    find: "if (expectedLastSeq !== this.entries.length)",
    replace: "if (false)",
  },
  {
    name: "answers before the log has them",
    why: "accepted means durable",
    file: "scheduler/dist/shell/api-service.js",
    find: "reign.whenDurable(send, (error) => refuse(respond, error));",
    replace: "send();",
  },
  {
    name: "reports are acknowledged before the log has them",
    why: "an agent forgets what was acknowledged",
    file: "scheduler/dist/shell/agent-service.js",
    find: "reign.whenDurable(() => accept(respond, reply), (error) => refuse(respond, error));",
    replace: "accept(respond, reply);",
  },
  {
    name: "agents are told before the log is",
    why: "nothing is dispatched before it is durable",
    file: "scheduler/dist/shell/reign.js",
    find: `        this.#journal.whenDurable(() => {
            for (const notice of notices)
                this.hints.send(this.state, notice);
        });`,
    replace: "for (const notice of notices) this.hints.send(this.state, notice);",
  },
  {
    name: "an ambiguous append counts as done",
    why: "nobody knows whether it is in the log",
    file: journal,
    find: `if (outcome.result !== "appended") {`,
    replace: `if (outcome.result !== "appended" && outcome.result !== "ambiguous") {`,
  },
  {
    name: "an ambiguous append is sent again after whatever came last",
    why: "it may be in the log already, or get there later",
    file: journal,
    find: "const outcome = await this.#components.log.append(bytes, draft.seq - 1);",
    replace: `const { log } = this.#components;
        let outcome = await log.append(bytes, draft.seq - 1);
        while (outcome.result === "ambiguous") {
            const bounds = await log.bounds().catch(() => null);
            if (bounds !== null)
                outcome = await log.append(bytes, bounds.last);
        }`,
  },
  {
    name: "a leader outlives a failed append",
    why: "its state has changes that the log never saw",
    file: journal,
    find: "this.#components.onFailure(outcome);",
    replace: "",
  },
  {
    name: "the chain of hashes is not checked",
    why: "a rewritten history must be noticed",
    file: "scheduler/dist/shell/log-codec.js",
    find: "if (previous !== null && parsed.data.previous !== previous) {",
    replace: "if (false) {",
  },
  {
    name: "a term without LeaderStarted of its own",
    why: "each reign has a term, and the log says when it began",
    file: "scheduler/dist/shell/scheduler.js",
    find: "term: state.term + 1,",
    replace: "term: Math.max(1, state.term),",
  },
  {
    name: "request ids are not remembered",
    why: "a repeated request must not be done twice",
    file: "scheduler/dist/core/command/handle-command.js",
    find: "const answered = state.answers.get(requestId);",
    replace: "const answered = undefined;",
  },
  {
    name: "a leader outlives its lease",
    why: "what it answers from may be of the past",
    ...endlessLease,
  },
  {
    name: "a follower acknowledges reports",
    why: "only a leader knows what is unknown",
    file: "scheduler/dist/shell/agent-service.js",
    find: `        if (standing.mode !== "leading")
            return refuse(respond, standing.refusal);
        const { state } = standing.reign;`,
    replace: `        if (standing.mode === "away")
            return refuse(respond, standing.refusal);
        const state = stateOf(standing);`,
  },
];

const desiredState = "agent/dist/core/desired-state.js";
const reconcile = "agent/dist/core/reconcile.js";

/** What the agent believes, does and reports. */
const agentMutants: readonly Mutant[] = [
  {
    name: "an agent takes an older listing",
    why: "nothing older than the fence is ever applied",
    file: desiredState,
    find: "if (state.floor !== null && compareFences(listing.fence, state.floor) < 0)",
    replace: "if (false)",
    besides: endlessLease,
  },
  {
    name: "a difference is applied on a wrong base",
    why: "something between is missing",
    file: desiredState,
    find: "if (state.allocations === null || !isSameFence(delta.base, state.applied)) {",
    replace: "if (state.allocations === null) {",
  },
  {
    name: "an agent that knows nothing stops everything",
    why: "what is unknown is left alone",
    file: reconcile,
    find: `    if (desired === null)
        return [];`,
    replace: "    desired ??= new Map();",
  },
  {
    name: "an agent starts what has finished",
    why: "an allocation is one run",
    file: reconcile,
    find: `phase === undefined || phase === "prepared";
        if (isDue`,
    replace: `phase === undefined || phase === "prepared" || phase === "finished";
        if (isDue`,
  },
  {
    name: "a start does not wait for what it needs",
    why: "a node that returns still runs what it had",
    file: reconcile,
    find: "return exclusive(granted).some((one) => held.get(one)?.some((id) => id !== allocationId));",
    replace: "return false;",
  },
  {
    name: "reports are sent once",
    why: "an end is repeated until it is acknowledged",
    file: "agent/dist/shell/reporter.js",
    find: "const { unknown } = await this.#options.leader.report(clusterId, batch);",
    replace: `this.#queue = acknowledge(this.#queue, batch);
        const { unknown } = await this.#options.leader.report(clusterId, batch);`,
  },
  {
    name: "an acknowledgement takes what came meanwhile with it",
    why: "an end is repeated until it is acknowledged",
    file: "agent/dist/core/report-queue.js",
    find: "if (waiting.get(report.allocationId) === report)",
    replace: "",
  },
];

export const mutants: readonly Mutant[] = [
  ...logMutants,
  ...snapshotMutants,
  ...decisionMutants,
  ...agentMutants,
];
