import type { ProjectName } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import type { ProjectNode, ProjectTree } from "./project-tree.ts";
import type { QuotaUse } from "../state/quota-use.ts";
import { type Member, ProjectGroup, type QueueItem, WaitingLine } from "./share-group.ts";

export interface ProjectItem extends QueueItem {
  readonly project: ProjectName;
  /** 0 (least) to 100 (most urgent). */
  readonly priority: number;
}

/**
 * The order in which what waits gets its turn: the most urgent first; among equally urgent the
 * project with the smallest weighted share of the cluster, at each level of the tree; within a
 * project the oldest.
 *
 * Shares are read from the tree as it is at each turn, so a project that was just granted much goes
 * back in line. N turns among P projects of depth D cost O(N (log N + D log P)).
 */
export class FairQueue<Item extends ProjectItem> {
  private readonly tree: ProjectTree;
  private readonly capacity: QuotaUse;
  /** Most urgent last. */
  private readonly levels: Item[][];
  private level: FairLevel<Item> | null = null;

  /** `capacity` is what the whole cluster has. */
  constructor(items: Iterable<Item>, tree: ProjectTree, capacity: QuotaUse) {
    this.tree = tree;
    this.capacity = capacity;
    const byPriority = new Map<number, Item[]>();
    for (const item of items) {
      const known = byPriority.get(item.priority);
      if (known) known.push(item);
      else byPriority.set(item.priority, [item]);
    }
    this.levels = [...byPriority].sort(([a], [b]) => a - b).map(([, equals]) => equals);
  }

  /** Whose turn it is; null at the end. What it is granted must be in the tree before the next. */
  next(): Item | null {
    for (;;) {
      const item = this.level?.next() ?? null;
      if (item !== null) return item;
      const items = this.levels.pop();
      if (!items) return null;
      this.level = new FairLevel(items, this.tree, this.capacity);
    }
  }

  /** Whether another project waits with the same priority as the last item. */
  get isContended(): boolean {
    return this.level?.isContended ?? false;
  }

  /** The last item has not had all it wants, and stays first of its project. */
  giveBack(): void {
    this.level?.giveBack();
  }

  /** The last item could not be given all it wants. */
  markBlocked(): void {
    this.level?.markBlocked();
  }
}

/** What waits with one priority. */
class FairLevel<Item extends ProjectItem> {
  private readonly capacity: QuotaUse;
  private readonly root: ProjectGroup<Item>;
  private readonly groups = new Map<ProjectNode, ProjectGroup<Item>>();
  private lines = 0;
  /** From the root's member to the line, those whose turn it is. */
  private turn: Member<Item>[] = [];

  constructor(items: readonly Item[], tree: ProjectTree, capacity: QuotaUse) {
    this.capacity = capacity;
    this.root = new ProjectGroup(tree.root, capacity);
    this.groups.set(tree.root, this.root);
    const lines = new Map<ProjectName, WaitingLine<Item>>();
    for (const item of [...items].sort((a, b) => a.number - b.number)) {
      const known = lines.get(item.project);
      const line = known ?? new WaitingLine<Item>(tree.node(item.project), capacity);
      if (!known) lines.set(item.project, line);
      line.items.push(item);
    }
    for (const [project, line] of lines) {
      line.refresh();
      this.groupOf(tree.node(project)).put(line);
      this.lines += 1;
    }
    this.lineUp();
  }

  get isContended(): boolean {
    const own = this.line?.head === null ? 0 : 1;
    return this.lines > own;
  }

  next(): Item | null {
    let line: WaitingLine<Item> | null;
    do {
      this.endTurn();
      line = this.firstLine();
    } while (line?.isOutdated);
    const item = line?.take() ?? null;
    if (line && line.head === null) this.lines -= 1;
    return item;
  }

  private firstLine(): WaitingLine<Item> | null {
    for (let group = this.root; ; ) {
      const member = group.take();
      if (!member) return null;
      this.turn.push(member);
      if (member instanceof WaitingLine) return member;
      group = member;
    }
  }

  giveBack(): void {
    assert(this.line, "nobody has had a turn");
    if (this.line.head === null) this.lines += 1;
    this.line.giveBack();
  }

  markBlocked(): void {
    if (this.line) this.line.isBlocked = true;
  }

  private get line(): WaitingLine<Item> | null {
    const last = this.turn.at(-1);
    return last instanceof WaitingLine ? last : null;
  }

  /** Those who had their turn go back in line with what they have now. */
  private endTurn(): void {
    for (let at = this.turn.length - 1; at >= 0; at -= 1) {
      const member = this.turn[at];
      const above = this.turn[at - 1] ?? this.root;
      if (!member || above instanceof WaitingLine) continue;
      member.refresh();
      above.put(member);
    }
    this.turn = [];
  }

  private groupOf(project: ProjectNode): ProjectGroup<Item> {
    const known = this.groups.get(project);
    if (known) return known;
    const group = new ProjectGroup<Item>(project, this.capacity);
    this.groups.set(project, group);
    if (project.parent) this.groupOf(project.parent);
    return group;
  }

  /** Deepest first: a group is put in its parent once all below it are there. */
  private lineUp(): void {
    const byDepth = [...this.groups.values()]
      .map((group) => ({ group, depth: depthOf(group.project) }))
      .sort((a, b) => b.depth - a.depth);
    for (const { group } of byDepth) {
      group.refresh();
      const above = group.project.parent && this.groups.get(group.project.parent);
      if (above) above.put(group);
    }
  }
}

function depthOf(project: ProjectNode): number {
  let depth = 0;
  for (let at = project.parent; at; at = at.parent) depth += 1;
  return depth;
}
