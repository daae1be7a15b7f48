/** A binary heap: the item that `precedes` all others is on top. O(log n) to push and to pop. */
export class BestFirst<Item> {
  private readonly items: Item[] = [];
  private readonly precedes: (a: Item, b: Item) => boolean;

  constructor(precedes: (a: Item, b: Item) => boolean) {
    this.precedes = precedes;
  }

  get size(): number {
    return this.items.length;
  }

  /** The item that precedes all others, which stays. */
  get top(): Item | undefined {
    return this.items[0];
  }

  push(item: Item): void {
    const { items } = this;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parentAt = (at - 1) >>> 1;
      const parent = items[parentAt];
      if (parent === undefined || !this.precedes(item, parent)) break;
      items[at] = parent;
      at = parentAt;
    }
    items[at] = item;
  }

  pop(): Item | undefined {
    const { items } = this;
    const top = items[0];
    const last = items.pop();
    if (items.length === 0 || last === undefined) return top;
    let at = 0;
    for (;;) {
      let childAt = 2 * at + 1;
      let child = items[childAt];
      if (child === undefined) break;
      const right = items[childAt + 1];
      if (right !== undefined && this.precedes(right, child)) {
        child = right;
        childAt += 1;
      }
      if (!this.precedes(child, last)) break;
      items[at] = child;
      at = childAt;
    }
    items[at] = last;
    return top;
  }
}
