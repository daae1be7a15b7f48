import { machine, numberArgument, print } from "../cluster/statistics.ts";
import { measureAccept } from "./accept.ts";
import { measureRecover } from "./recover.ts";
import { measureState } from "./state.ts";

/**
 * The log in numbers. Each part measures on its own and contributes its fields; a part that is not
 * wanted is left out with `--only <part>`.
 */
const parts = {
  accept: () =>
    measureAccept({
      alone: numberArgument("alone", 500),
      inFlight: numberArgument("in-flight", 1_000),
      durationMs: numberArgument("seconds", 8) * 1_000,
    }),
  recover: () =>
    measureRecover({
      allocations: numberArgument("allocations", 1_000_000),
      nodes: numberArgument("nodes", 10_000),
      workloads: numberArgument("workloads", 1_000),
      tailEntries: numberArgument("tail-entries", 10_000),
      eventsPerTailEntry: 10,
    }),
  state: () =>
    measureState({
      allocations: numberArgument("allocations", 1_000_000),
      nodes: numberArgument("nodes", 10_000),
      workloads: numberArgument("workloads", 1_000),
    }),
} as const satisfies Record<string, () => Promise<object> | object>;

const at = process.argv.indexOf("--only");
const only = at < 0 ? null : process.argv[at + 1];
const result: Record<string, unknown> = { benchmark: "log", machine: machine() };
for (const [name, measure] of Object.entries(parts)) {
  if (only === null || only === name) Object.assign(result, await measure());
}
print(result);
