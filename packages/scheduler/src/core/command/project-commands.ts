import {
  type ApiParams,
  describeQuota,
  limits,
  NO_QUOTA,
  policyProblem,
  type Project,
  type ProjectChange,
  ProjectInput,
  type ProjectName,
  type QuotaAmounts,
  type QuotaDimension,
  quotaDimensions,
  readPolicy,
  type SpecProblem,
} from "@berth/protocol";
import { nearNames } from "../select/near-names.ts";
import { refuse } from "../select/refusal.ts";
import { canonicalText } from "../state/canonical-text.ts";
import type { ClusterState } from "../state/cluster-state.ts";
import { type CommandContext, type Decision, decide } from "./decision.ts";
import { refusePolicy } from "./refuse-policy.ts";

/** Creates a project's configuration or changes it: what is not mentioned stays as it is. */
export function configureProject(
  { state }: CommandContext,
  { project: document }: ApiParams<"project.configure">,
): Decision {
  const read = readPolicy(ProjectInput, document);
  if (!read.ok) return refusePolicy("project", read.problems);
  const before = state.projects.get(read.value.name);
  const project = changed(before ?? newProject(read.value.name), read.value);
  const problems = findProblems(state, project);
  if (problems.length > 0) return refusePolicy("project", problems);
  if (before && canonicalText(before) === canonicalText(project)) {
    return decide([], { project, change: "unchanged" });
  }
  if (!before && state.projects.size >= limits.projectsMax) {
    return refuse("conflict", `there are ${limits.projectsMax} projects already`, {
      hint: "remove those that nobody needs (berth project ls)",
      details: { projects: state.projects.size, projectsMax: limits.projectsMax },
    });
  }
  const change = before ? "updated" : "created";
  return decide([{ type: "ProjectConfigured", project }], { project, change });
}

/** Forgets what was configured. Nothing may be part of the project any more. */
export function removeProject(
  { state }: CommandContext,
  { project: name }: ApiParams<"project.remove">,
): Decision {
  const project = state.projects.get(name as ProjectName);
  if (!project) {
    const near = nearNames(name, state.projects.keys());
    const [best] = near;
    const hint = best === undefined ? "`berth project ls` lists them" : `did you mean '${best}'?`;
    return refuse("not_found", `nobody configured a project '${name}'`, {
      hint,
      details: { near },
    });
  }
  const below = childrenOf(state, project.name).map(({ name: child }) => child);
  if (below.length > 0) {
    return refuse(
      "conflict",
      `${below.join(", ")} ${below.length === 1 ? "is" : "are"} part of it`,
      {
        hint: `give ${below.length === 1 ? "it" : "them"} another parent first (berth project set ${below[0]} --parent …)`,
        details: { projects: below },
      },
    );
  }
  return decide([{ type: "ProjectRemoved", name: project.name }], { project: project.name });
}

function newProject(name: ProjectName): Project {
  return { name, parent: null, weight: 1, guaranteed: NO_QUOTA, limit: NO_QUOTA, mayBorrow: true };
}

function changed(before: Project, change: ProjectChange): Project {
  return {
    name: before.name,
    parent: change.parent === undefined ? before.parent : change.parent,
    weight: change.weight ?? before.weight,
    guaranteed: changedAmounts(before.guaranteed, change.guaranteed),
    limit: changedAmounts(before.limit, change.limit),
    mayBorrow: change.mayBorrow ?? before.mayBorrow,
  };
}

function changedAmounts(before: QuotaAmounts, change: ProjectChange["limit"]): QuotaAmounts {
  if (change === undefined) return before;
  if (change === null) return NO_QUOTA;
  const { cpu = before.cpuMillis, memory = before.memoryMiB, gpu = before.gpuMillis } = change;
  return { cpuMillis: cpu, memoryMiB: memory, gpuMillis: gpu };
}

/** What people call the dimensions. */
const fields: Readonly<Record<QuotaDimension, string>> = {
  cpuMillis: "cpu",
  memoryMiB: "memory",
  gpuMillis: "gpu",
};

function findProblems(state: ClusterState, project: Project): SpecProblem[] {
  const above = ancestorsOf(state, project);
  return [
    ...parentProblems(state, project, above),
    ...amountProblems(project),
    ...limitProblems(state, project),
    ...guaranteeProblems(state, project, above[0]),
  ];
}

function parentProblems(
  state: ClusterState,
  { name, parent }: Project,
  above: readonly Project[],
): SpecProblem[] {
  if (parent === null) return [];
  if (parent === name || above.some((one) => one.name === name)) {
    const way = [
      name,
      ...above
        .slice(
          0,
          above.findIndex((one) => one.name === name),
        )
        .map((one) => one.name),
      name,
    ];
    const message = `a project cannot be part of itself: ${parent === name ? `${name} → ${name}` : way.join(" → ")}`;
    return [policyProblem(["parent"], message, parent, "choose one that is not below it, or none")];
  }
  if (!state.projects.has(parent)) {
    const [near] = nearNames(parent, state.projects.keys());
    const remedy = `configure it first (berth project set ${parent})`;
    const suggestion = near === undefined ? remedy : `did you mean '${near}'? Or ${remedy}`;
    return [
      policyProblem(["parent"], `nobody configured a project '${parent}'`, parent, suggestion),
    ];
  }
  const depth = above.length + heightOf(state, name);
  if (depth <= limits.projectDepthMax) return [];
  const message = `${depth} projects above each other; at most ${limits.projectDepthMax}`;
  return [policyProblem(["parent"], message, parent, "make it part of one further up")];
}

/** Nobody can get back what they may not have. */
function amountProblems({ guaranteed, limit }: Project): SpecProblem[] {
  return quotaDimensions.flatMap((dimension) => {
    const [owed, most] = [guaranteed[dimension], limit[dimension]];
    if (owed === null || most === null || owed <= most) return [];
    const [owedText, mostText] = [describeQuota(dimension, owed), describeQuota(dimension, most)];
    return [
      policyProblem(
        ["guaranteed", fields[dimension]],
        `${owedText} guaranteed is more than the limit of ${mostText}`,
        owedText,
        `guarantee at most ${mostText}, or raise the limit to ${owedText}`,
      ),
    ];
  });
}

/** What the parts of a project are guaranteed together is no more than it may have. */
function overGuaranteed(
  { limit }: Project,
  parts: readonly Project[],
): { dimension: QuotaDimension; most: number; owed: number }[] {
  return quotaDimensions.flatMap((dimension) => {
    const most = limit[dimension];
    const owed = parts.reduce((sum, part) => sum + (part.guaranteed[dimension] ?? 0), 0);
    return most === null || owed <= most ? [] : [{ dimension, most, owed }];
  });
}

function limitProblems(state: ClusterState, project: Project): SpecProblem[] {
  return overGuaranteed(project, childrenOf(state, project.name)).map(({ dimension, most, owed }) =>
    policyProblem(
      ["limit", fields[dimension]],
      `its projects are guaranteed ${describeQuota(dimension, owed)} together, more than this`,
      describeQuota(dimension, most),
      `set at least ${describeQuota(dimension, owed)}, or guarantee them less`,
    ),
  );
}

function guaranteeProblems(
  state: ClusterState,
  project: Project,
  parent: Project | undefined,
): SpecProblem[] {
  if (!parent) return [];
  const siblings = childrenOf(state, parent.name).filter(({ name }) => name !== project.name);
  return overGuaranteed(parent, [...siblings, project]).flatMap(({ dimension, most, owed }) => {
    const own = project.guaranteed[dimension];
    if (own === null) return [];
    const left = describeQuota(dimension, Math.max(0, most - owed + own));
    return [
      policyProblem(
        ["guaranteed", fields[dimension]],
        `the projects of ${parent.name} would be guaranteed ${describeQuota(dimension, owed)} together; its limit is ${describeQuota(dimension, most)}`,
        describeQuota(dimension, own),
        `guarantee at most ${left}, or raise the limit of ${parent.name}`,
      ),
    ];
  });
}

/** From its parent upwards; ends where the chain does, or comes back to where it began. */
function ancestorsOf({ projects }: ClusterState, project: Project): Project[] {
  const above: Project[] = [];
  for (let at = project.parent; at !== null && above.length <= projects.size; ) {
    const next = at === project.name ? project : projects.get(at);
    if (!next) break;
    above.push(next);
    if (next.name === project.name) break;
    at = next.parent;
  }
  return above;
}

/** How many projects deep it and what is below it are. */
function heightOf(state: ClusterState, name: ProjectName): number {
  const below = childrenOf(state, name).map((child) => heightOf(state, child.name));
  return 1 + Math.max(0, ...below);
}

function childrenOf({ projects }: ClusterState, name: ProjectName): Project[] {
  return [...projects.values()].filter(({ parent }) => parent === name);
}
