import { z } from "zod";
import { isNodeAttribute, parseConstraint } from "./constraint.ts";
import { WorkloadId, WorkloadName, type ProjectName } from "./ids.ts";
import { limits } from "./limits.ts";
import { MemoryMiB } from "./quantity-fields.ts";
import type { PlacementRules } from "./workload-spec.ts";

/** What people write about where work goes: see `PlacementRules`. */

/** `rack` is short for `node.labels.rack`, `node` for `node.name`. */
const Attribute = z
  .string()
  .min(1)
  .transform((word) => {
    if (word === "node") return "node.name";
    return word.includes(".") ? word : `node.labels.${word}`;
  })
  .refine(isNodeAttribute, "a label such as rack, or an attribute such as node.labels.rack");

export const Expression = z
  .string()
  .min(1)
  .max(limits.constraintLengthMax)
  .superRefine((source, context) => {
    const parsed = parseConstraint(source);
    for (const { message, column } of parsed.ok ? parsed.mistyped : [parsed]) {
      const where = `${message} (at character ${column})`;
      context.addIssue({ code: "custom", message: where, input: source });
    }
  });

const AffinityInput = z.strictObject({
  expression: Expression.describe("A constraint expression."),
  weight: z
    .int()
    .min(-100)
    .max(100)
    .default(50)
    .describe("How much better a node is where it holds, -100 to 100."),
});
const SpreadInput = z.strictObject({
  by: Attribute.describe("A label, or an attribute: `rack`, `node`, `node.labels.zone`."),
  weight: z.int().min(1).max(100).default(50).describe("How much it matters, 1 to 100."),
  targets: z
    .record(z.string(), z.int().min(0).max(100))
    .refine((targets) => Object.values(targets).reduce((sum, one) => sum + one, 0) <= 100, {
      message: "more than 100 percent in all",
    })
    .default({})
    .describe("Percent for each value; without it, each gets the same."),
});
const DistinctInput = z.strictObject({
  by: Attribute.prefault("node").describe("A label, or an attribute."),
  max: z.int().min(1).max(limits.workloadCountMax).default(1).describe("At most so many."),
});
const ColocateInput = z.strictObject({
  workload: z
    .union([WorkloadName, WorkloadId])
    .describe("Its name, or `project/name` when it is another project's."),
  by: Attribute.prefault("node").describe("What is shared: `node`, or a label such as `rack`."),
});
const oneOrMore = <Item extends z.ZodType>(item: Item) =>
  z.union([item, z.array(item).max(limits.placementRulesMax)]);

export const GangInput = z
  .union(
    [
      z.literal(true).transform(() => ({ within: null })),
      z.strictObject({ within: Attribute.describe("On nodes with one value of this label.") }),
    ],
    { error: "expected true, or { within: LABEL }" },
  )
  .describe("All at once or not at all: `true`, or `{ within: rack }`.");

export const placementInputs = {
  pool: z.string().min(1).optional().describe("Only nodes of this pool."),
  tolerations: z
    .array(z.string().min(1))
    .max(limits.placementRulesMax)
    .optional()
    .describe("Taints of nodes that it accepts, by key; `*` accepts all."),
  affinities: z
    .array(AffinityInput)
    .max(limits.placementRulesMax)
    .optional()
    .describe("Preferences: nodes on which an expression holds are better, or worse."),
  spread: oneOrMore(SpreadInput).optional().describe("Preferably spread over values of a label."),
  distinct: oneOrMore(DistinctInput)
    .optional()
    .describe("At most so many for each value of a label; `{ by: node }` for distinct nodes."),
  colocate: oneOrMore(ColocateInput)
    .optional()
    .describe("Only where something of another workload lives."),
  locality: z
    .record(z.string(), MemoryMiB)
    .refine((near) => Object.keys(near).length <= limits.localityNodesMax, {
      message: `more than ${limits.localityNodesMax} nodes`,
    })
    .optional()
    .describe("Data near a node, by the node's name: `{ r1-s01: 200GiB }`. A preference."),
  preemption: z
    .strictObject({
      preempts: z.boolean().default(true).describe("It may take the room of less important work."),
      preemptible: z.boolean().default(true).describe("More important work may take its room."),
    })
    .optional()
    .describe("Work is only preempted by a higher band: 90, 60, 20 and 0 begin one each."),
  disruption: z
    .strictObject({
      maxUnavailable: z.int().min(0).describe("How many may be down for others' convenience."),
    })
    .optional()
    .describe("Without it: `update.maxUnavailable`; no bound for a batch."),
  movable: z
    .boolean()
    .default(false)
    .describe("`berth rebalance` may move it to make better use of nodes."),
};

interface Written {
  readonly pool?: string | undefined;
  readonly tolerations?: string[] | undefined;
  readonly affinities?: PlacementRules["affinities"];
  readonly spread?: One<PlacementRules["spread"]>;
  readonly distinct?: One<PlacementRules["distinct"]>;
  readonly colocate?: One<{ workload: string; by: string }[]>;
  readonly locality?: Record<string, number> | undefined;
  readonly disruption?: { maxUnavailable: number } | undefined;
  readonly preemption?: { preempts: boolean; preemptible: boolean } | undefined;
  readonly movable: boolean;
  /** Of services and batches. */
  readonly gang?: { within: string | null } | undefined;
}
type One<List> = List extends (infer Item)[] ? Item | Item[] | undefined : undefined;

/** Only what is said: a workload that says nothing of placement has no such field. */
export function placementOf(
  input: Written,
  project: ProjectName,
  timeLimitMs: number | undefined,
): { placement?: PlacementRules } {
  const rules: PlacementRules = {
    ...(input.pool === undefined ? {} : { pool: input.pool }),
    ...listed("tolerations", input.tolerations),
    ...listed("affinities", input.affinities),
    ...listed("spread", input.spread),
    ...listed("distinct", input.distinct),
    ...listed("colocate", colocations(input.colocate, project)),
    ...(input.locality === undefined ? {} : { locality: input.locality }),
    ...(input.gang === undefined ? {} : { gang: input.gang }),
    ...(input.preemption?.preempts === false ? { preempts: false } : {}),
    ...(input.preemption?.preemptible === false ? { preemptible: false } : {}),
    ...(input.disruption === undefined
      ? {}
      : { disruptionMaxUnavailable: input.disruption.maxUnavailable }),
    ...(input.movable ? { movable: true } : {}),
    ...(timeLimitMs === undefined ? {} : { timeLimitMs }),
  };
  return Object.keys(rules).length === 0 ? {} : { placement: rules };
}

function listed<Name extends string, Item>(
  name: Name,
  items: Item | Item[] | undefined,
): { [Key in Name]?: Item[] } {
  const list = items === undefined ? [] : ([items].flat() as Item[]);
  return (list.length === 0 ? {} : { [name]: list }) as { [Key in Name]?: Item[] };
}

function colocations(
  written: Written["colocate"],
  project: ProjectName,
): PlacementRules["colocate"] {
  if (written === undefined) return undefined;
  return [written].flat().map(({ workload, by }) => ({
    workload: (workload.includes("/") ? workload : `${project}/${workload}`) as WorkloadId,
    by,
  }));
}
