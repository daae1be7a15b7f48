import type { Mutant } from "./mutant.ts";

const checkNode = "scheduler/dist/core/place/check-node.js";
const liveness = "scheduler/dist/core/node/liveness.js";

/** What the scheduler decides. */
export const decisionMutants: readonly Mutant[] = [
  {
    name: "resources are free on the request to stop",
    why: "a task holds what it has until it has ended",
    file: "scheduler/dist/core/state/apply-allocation-event.js",
    find: `        allocation.stopReason = event.reason;
    });`,
    replace: `        allocation.stopReason = event.reason;
    });
    releaseGrant(nodeOf(applying.state, allocation.nodeId), allocation);`,
  },
  {
    name: "ports that are taken are given",
    why: "no port twice",
    file: "scheduler/dist/core/place/ports.js",
    find: "taken.has(from + offset) || usage.ports.has(from + offset)",
    replace: "taken.has(from + offset)",
  },
  {
    name: "GPUs that are taken are given",
    why: "no device twice",
    file: "scheduler/dist/core/place/gpus.js",
    find: ".filter((gpu) => !usage.gpus.has(gpu.uuid))",
    replace: "",
  },
  {
    name: "memory is not counted",
    why: "no node is granted more than it has",
    file: checkNode,
    find: `freeStep("memory.free", "memoryMiB"),`,
    replace: "",
  },
  {
    name: "a replacement does not wait for its predecessor",
    why: "one live allocation for each index",
    file: "scheduler/dist/core/reconcile/reconcile-service.js",
    find: `        else if (live.status === "stopping")
            waitForPredecessor(result, live);`,
    replace: `        else if (live.status === "stopping")
            result.place.push(index);`,
  },
  {
    name: "cordoned nodes take placements",
    why: "a cordon means nothing new",
    file: checkNode,
    find: `node.eligibility === "cordoned" && !node.drain ?`,
    replace: "false ?",
  },
  {
    name: "constraints are ignored",
    why: "a constraint is a must",
    file: checkNode,
    find: "({ constraint }) => !holdsOn(constraint, node)",
    replace: "() => false",
  },
  {
    name: "what waits for room is not woken",
    why: "everything satisfiable converges",
    file: "scheduler/dist/core/state/agenda.js",
    find: `export function roomWasMade(agenda, node) {`,
    replace: `export function roomWasMade(agenda, node) {
    return;`,
  },
  {
    name: "any band is preempted",
    why: "work is only preempted by a more important band",
    file: "scheduler/dist/core/preempt/victims.js",
    find: "bandOf(spec.priority) > this.#band &&",
    replace: "",
  },
  {
    name: "budgets are no bound for preemption",
    why: "no workload loses more than it says can be spared",
    file: "scheduler/dist/core/preempt/victims.js",
    find: "isBounded ? victims.filter((victim) => victim.isAvailable).length : 0",
    replace: "0",
  },
  {
    name: "who gives way is decided on in the same pass",
    why: "an update keeps its pace, whatever else is stopped",
    file: "scheduler/dist/core/evaluate/evaluate.js",
    find: "if (pass.isDisturbed(workload))",
    replace: "if (false)",
  },
  {
    name: "a backoff never ends",
    why: "everything satisfiable converges",
    file: "scheduler/dist/core/evaluate/wake.js",
    find: "if (retryUnixMs <= nowUnixMs)",
    replace: "if (false)",
  },
  {
    name: "updates ignore their pace",
    why: "maxUnavailable is a promise",
    file: "scheduler/dist/core/reconcile/pace-stops.js",
    find: "unavailable >= maxUnavailable",
    replace: "false",
  },
  {
    name: "scaling down stops nothing",
    why: "everything satisfiable converges",
    file: "scheduler/dist/core/reconcile/reconcile-context.js",
    find: "if (live.index >= count)",
    replace: "if (false)",
  },
  {
    name: "silent nodes are never down",
    why: "what ran there must run elsewhere",
    file: liveness,
    find: "if (silentMs >= timings.nodeDownAfterMs)",
    replace: "if (false)",
  },
  {
    name: "silent nodes are down at once",
    why: "a hiccup must not move what runs",
    file: liveness,
    find: "if (silentMs >= timings.nodeDownAfterMs)",
    replace: "if (silentMs >= timings.nodeSuspectAfterMs)",
  },
  {
    name: "nobody asks for what a hello does not list",
    why: "a machine whose disk was replaced cannot report what it had",
    file: "scheduler/dist/core/node/register-node.js",
    find: "return { events: [...events, ...observed.events], unlisted };",
    replace: "return { events: [...events, ...observed.events], unlisted: [] };",
  },
  {
    name: "lost hints are not repaired",
    why: "a lost message costs a beat, never the truth",
    file: "scheduler/dist/shell/desired-hints.js",
    find: "return this.#clock.monotonicMs() - toldMs > timings.beatIntervalMs;",
    replace: "return false;",
  },
  {
    name: "a move does not ask what is down already",
    why: "a budget holds for everybody's convenience together",
    file: "scheduler/dist/core/rebalance/move-refusal.js",
    find: "if (unavailable < max)",
    replace: "if (max > 0)",
  },
  {
    name: "limits of projects are ignored",
    why: "no placement takes a project over its limit",
    file: "scheduler/dist/core/evaluate/admit-indexes.js",
    find: "const room = quotaRoom(project, use);",
    replace: "const room = Number.POSITIVE_INFINITY;",
  },
  {
    name: "a gang starts in parts",
    why: "a gang runs whole or waits whole",
    file: "scheduler/dist/core/evaluate/place-gang.js",
    find: "if (found.unplaced.length === 0)",
    replace: "if (found.placed.length > 0)",
    besides: {
      file: "scheduler/dist/core/evaluate/place-gang.js",
      find: "({ unplaced }) => unplaced.length === 0)",
      replace: "() => true)",
    },
  },
  {
    name: "what a reservation stops does not count in an update",
    why: "maxUnavailable is a promise",
    file: "scheduler/dist/core/evaluate/evaluate.js",
    find: "if (pass.hasStopped)",
    replace: "if (false)",
  },
  {
    name: "the fleet does not see what a pass has taken",
    why: "no node is granted more than it has",
    file: "scheduler/dist/core/fleet/cluster-fleet.js",
    find: `        for (; this.#seen < ledger.changes.length; this.#seen += 1) {
            this.#read(ledger.changes[this.#seen]);
        }`,
    replace: "",
  },
  {
    name: "the fleet does not see what has changed since",
    why: "no node is granted more than it has",
    file: "scheduler/dist/core/fleet/cluster-fleet.js",
    find: `        for (const id of nodes)
            this.#read(id);
        nodes.clear();`,
    replace: "nodes.clear();",
  },
];
