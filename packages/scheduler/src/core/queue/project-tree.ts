import { NO_QUOTA, type Project, type ProjectName, type QuotaAmounts } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { addUse, noUse, type QuotaCount, type QuotaUse } from "../state/quota-use.ts";

/** A project in the tree, with what it uses. The root has no name and is the whole cluster. */
export interface ProjectNode {
  readonly name: ProjectName | null;
  readonly parent: ProjectNode | null;
  readonly weight: number;
  readonly guaranteed: QuotaAmounts;
  /** With what `mayBorrow: false` makes of the guarantee. */
  readonly limit: QuotaAmounts;
  /** What live allocations of the project itself hold. */
  readonly ownUse: QuotaUse;
  /** The same, with all its subprojects. */
  readonly used: QuotaUse;
}

interface CountingNode extends ProjectNode {
  readonly parent: CountingNode | null;
  readonly ownUse: QuotaCount;
  readonly used: QuotaCount;
}

/** Nothing guaranteed, nothing limited. */
export const UNSAID: QuotaAmounts = NO_QUOTA;
/** Of projects that nobody configured: they stand beside the others at the top. */
export const DEFAULT_WEIGHT = 1;

/**
 * The projects as a tree, with what each uses: the state's own usage, and what a pass adds to it.
 * To take costs as many steps as the project is deep.
 */
export class ProjectTree {
  readonly root: ProjectNode;
  private readonly top: CountingNode;
  private readonly settings = new Map<ProjectName, Project>();
  private readonly nodes = new Map<ProjectName, CountingNode>();
  private shapeText: string | null = null;

  constructor(settings: Iterable<Project>, usage: Iterable<readonly [ProjectName, QuotaUse]>) {
    this.top = newNode(null, null);
    this.root = this.top;
    for (const one of settings) this.settings.set(one.name, one);
    for (const [project, use] of usage) this.take(project, use);
  }

  /** Who belongs to whom: equal for trees of the same shape. */
  get shape(): string {
    this.shapeText ??= [...this.settings.values()]
      .map(({ name, parent }) => `${name}<${parent}`)
      .join(" ");
    return this.shapeText;
  }

  node(project: ProjectName): ProjectNode {
    return this.countingNode(project, 0);
  }

  take(project: ProjectName, use: QuotaUse, times = 1): void {
    const own = this.countingNode(project, 0);
    addUse(own.ownUse, use, times);
    for (let at: CountingNode | null = own; at; at = at.parent) addUse(at.used, use, times);
  }

  release(project: ProjectName, use: QuotaUse): void {
    this.take(project, use, -1);
  }

  private countingNode(project: ProjectName, depth: number): CountingNode {
    const known = this.nodes.get(project);
    if (known) return known;
    const settings = this.settings.get(project);
    assert(depth <= this.settings.size, `project ${project} is its own ancestor`);
    const parent = settings?.parent ?? null;
    const above = parent === null ? this.top : this.countingNode(parent, depth + 1);
    const node = newNode(above, settings ?? null, project);
    this.nodes.set(project, node);
    return node;
  }
}

function newNode(
  parent: CountingNode | null,
  settings: Project | null,
  name: ProjectName | null = null,
): CountingNode {
  return {
    name,
    parent,
    weight: settings?.weight ?? DEFAULT_WEIGHT,
    guaranteed: settings?.guaranteed ?? UNSAID,
    limit: settings ? effectiveLimit(settings) : UNSAID,
    ownUse: noUse(),
    used: noUse(),
  };
}

/** Who may not borrow has its guarantee for a limit, in the dimensions that it names. */
export function effectiveLimit({ guaranteed, limit, mayBorrow }: Project): QuotaAmounts {
  if (mayBorrow) return limit;
  return {
    cpuMillis: smaller(limit.cpuMillis, guaranteed.cpuMillis),
    memoryMiB: smaller(limit.memoryMiB, guaranteed.memoryMiB),
    gpuMillis: smaller(limit.gpuMillis, guaranteed.gpuMillis),
  };
}

function smaller(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

/** A project, as opposed to the root. */
export interface NamedProject extends ProjectNode {
  readonly name: ProjectName;
}

/** The project and its ancestors, without the root, nearest first. */
export function* withAncestors(node: ProjectNode): Generator<NamedProject> {
  for (let at: ProjectNode | null = node; at; at = at.parent) if (isNamed(at)) yield at;
}

function isNamed(node: ProjectNode): node is NamedProject {
  return node.name !== null;
}
