import { quotaDimensions } from "@berth/protocol";
import { BestFirst } from "../place/best-first.ts";
import {
  dominantShare,
  scaled,
  type ShareVector,
  shareVector,
  WHOLE_SHARE,
} from "./dominant-share.ts";
import type { ProjectNode } from "./project-tree.ts";
import { isCovered } from "./quota.ts";
import { addUse, noUse, type QuotaCount, type QuotaUse } from "../state/quota-use.ts";

/** What waits for a place. */
export interface QueueItem {
  /** Its age: the smaller, the older. */
  readonly number: number;
  /** What one more of it is charged. */
  readonly use: QuotaUse;
}

/** The shape of a share vector is kept in parts of its largest part: sums with weights stay exact. */
const SHAPE_WHOLE = 100_000;
const NOTHING: ShareVector = quotaDimensions.map(() => 0);

/** A project, or what a project itself has waiting, in one level of the queue. */
export interface ShareGroup<Item> {
  readonly weight: number;
  readonly use: QuotaUse;
  readonly share: number;
  readonly vector: ShareVector;
  /** What waits there stays within a guarantee: it goes before what would borrow. */
  readonly isCovered: boolean;
  /** The oldest that would be next; null when nothing waits any more. */
  readonly head: Item | null;
  /** Something there still wants more than it has, whether it can be given more or not. */
  readonly isWanting: boolean;
}

/** Guarantees first, then the smaller share for its weight, then age. */
export function precedes(a: ShareGroup<QueueItem>, b: ShareGroup<QueueItem>): boolean {
  if (a.isCovered !== b.isCovered) return a.isCovered;
  const left = a.share * b.weight;
  const right = b.share * a.weight;
  if (left !== right) return left < right;
  return (a.head?.number ?? 0) < (b.head?.number ?? 0);
}

/** What one project itself has waiting, oldest first. */
export class WaitingLine<Item extends QueueItem> implements ShareGroup<Item> {
  readonly weight = 1;
  readonly items: Item[] = [];
  vector = NOTHING;
  share = 0;
  isCovered = false;
  isBlocked = false;
  private readonly project: ProjectNode;
  private readonly capacity: QuotaUse;
  private at = 0;

  constructor(project: ProjectNode, capacity: QuotaUse) {
    this.project = project;
    this.capacity = capacity;
  }

  get use(): QuotaUse {
    return this.project.ownUse;
  }

  get head(): Item | null {
    return this.items[this.at] ?? null;
  }

  get isWanting(): boolean {
    return this.isBlocked || this.head !== null;
  }

  take(): Item | null {
    const { head } = this;
    if (head !== null) this.at += 1;
    return head;
  }

  /** Others may have used up what a project above guarantees them all since it lined up. */
  get isOutdated(): boolean {
    const { head } = this;
    return this.isCovered && head !== null && !isCovered(this.project, head.use);
  }

  giveBack(): void {
    this.at -= 1;
  }

  refresh(): void {
    const { head, project } = this;
    this.vector = shareVector(this.use, this.capacity);
    this.share = dominantShare(this.vector);
    this.isCovered = head !== null && isCovered(project, head.use);
  }
}

/**
 * A project with what waits below it. Its share is that of hierarchical dominant-resource fairness
 * (Bhattacharya et al., SoCC 2013, §5): those below it that want more count as if each had only as
 * much, for its weight, as the one that goes next. Else a group that holds all of one resource would
 * keep its siblings, who want another, waiting for as long as anybody outside wants anything. What
 * nobody below wants more of counts as it is.
 */
export class ProjectGroup<Item extends QueueItem> implements ShareGroup<Item> {
  readonly project: ProjectNode;
  readonly weight: number;
  vector = NOTHING;
  share = 0;
  private readonly capacity: QuotaUse;
  private readonly waiting = new BestFirst<Member<Item>>(precedes);
  private readonly counted = new Map<Member<Item>, Counted>();
  private readonly wantingUse: QuotaCount = noUse();
  /** The shapes of those that want more, times their weights. */
  private readonly shapes: number[] = quotaDimensions.map(() => 0);

  constructor(project: ProjectNode, capacity: QuotaUse) {
    this.project = project;
    this.weight = project.weight;
    this.capacity = capacity;
  }

  get use(): QuotaUse {
    return this.project.used;
  }

  get head(): Item | null {
    return this.waiting.top?.head ?? null;
  }

  get isCovered(): boolean {
    return this.waiting.top?.isCovered ?? false;
  }

  get isWanting(): boolean {
    return this.counted.size > 0;
  }

  /** The member whose turn it is. It stays out until `put` brings it back. */
  take(): Member<Item> | null {
    return this.waiting.pop() ?? null;
  }

  /** Counts a member that is new or has changed, and lines it up again if something waits there. */
  put(member: Member<Item>): void {
    this.uncount(member);
    if (member.isWanting) this.count(member);
    if (member.head !== null) this.waiting.push(member);
  }

  refresh(): void {
    this.vector = this.currentVector();
    this.share = dominantShare(this.vector);
  }

  private currentVector(): ShareVector {
    const { top } = this.waiting;
    if (!top || this.counted.size === 1) return shareVector(this.use, this.capacity);
    const idle = noUse();
    addUse(idle, this.use);
    addUse(idle, this.wantingUse, -1);
    return shareVector(idle, this.capacity).map((part, at) => {
      const wanting = scaled(top.share, this.shapes[at] ?? 0, top.weight * SHAPE_WHOLE);
      return Math.min(WHOLE_SHARE, part + wanting);
    });
  }

  private count(member: Member<Item>): void {
    const use = { ...member.use };
    const shapes = member.vector.map((part) =>
      member.share === 0 ? 0 : member.weight * scaled(part, SHAPE_WHOLE, member.share),
    );
    this.counted.set(member, { use, shapes });
    addUse(this.wantingUse, use);
    for (const [at, shape] of shapes.entries()) this.shapes[at] = (this.shapes[at] ?? 0) + shape;
  }

  private uncount(member: Member<Item>): void {
    const counted = this.counted.get(member);
    if (!counted) return;
    this.counted.delete(member);
    addUse(this.wantingUse, counted.use, -1);
    for (const [at, shape] of counted.shapes.entries()) {
      this.shapes[at] = (this.shapes[at] ?? 0) - shape;
    }
  }
}

export type Member<Item extends QueueItem> = WaitingLine<Item> | ProjectGroup<Item>;

interface Counted {
  readonly use: QuotaUse;
  readonly shapes: readonly number[];
}
