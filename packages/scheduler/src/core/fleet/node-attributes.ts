import type { NodeDescription } from "@berth/protocol";
import { grown } from "./fleet-columns.ts";
import { Zeros } from "./zeros.ts";

/** The number of the value that a node of no slot has. */
const NOBODY = -1;

/**
 * One attribute of all nodes: the value of each by its number, so that a question about values is
 * asked once for each value and not for each node.
 */
export class AttributeColumn {
  /** Number of the node's value, by slot; -1 for slots without a node. */
  numbers = new Int32Array(0);
  /** By number: how many nodes have the value, and one that had it. */
  readonly nodes: number[] = [];
  readonly samples: NodeDescription[] = [];
  readonly values: string[] = [];
  /** How many values some node has. */
  valuesInUse = 0;

  readonly #read: (node: NodeDescription) => string;
  readonly #numberOf = new Map<string, number>();

  constructor(read: (node: NodeDescription) => string) {
    this.#read = read;
  }

  /** The number of a value; undefined when no node ever had it. */
  numberOf(value: string): number | undefined {
    return this.#numberOf.get(value);
  }

  set(slot: number, node: NodeDescription): void {
    this.clear(slot);
    if (slot >= this.numbers.length) {
      const length = Math.max(64, slot + 1, this.numbers.length * 2);
      const known = this.numbers.length;
      this.numbers = grown(this.numbers, length).fill(NOBODY, known);
    }
    const value = this.#read(node);
    const number = this.#numberOf.get(value) ?? this.#addValue(value, node);
    this.numbers[slot] = number;
    const nodes = (this.nodes[number] as number) + 1;
    this.nodes[number] = nodes;
    if (nodes === 1) this.valuesInUse += 1;
  }

  clear(slot: number): void {
    const number = this.numbers[slot] ?? NOBODY;
    if (number === NOBODY) return;
    const nodes = (this.nodes[number] as number) - 1;
    this.nodes[number] = nodes;
    if (nodes === 0) this.valuesInUse -= 1;
    this.numbers[slot] = NOBODY;
  }

  #addValue(value: string, node: NodeDescription): number {
    const number = this.values.length;
    this.#numberOf.set(value, number);
    this.values.push(value);
    this.samples.push(node);
    this.nodes.push(0);
    return number;
  }
}

/** The attributes of all nodes that anybody has asked for; others are read when they are. */
export class NodeAttributes {
  readonly #nodes: (NodeDescription | null)[] = [];
  readonly #columns = new Map<string, AttributeColumn>();
  readonly zeros = new Zeros();
  #slotNumbers = new Int32Array(0);

  /** Each slot as a value of its own. */
  get slotNumbers(): Int32Array {
    if (this.#slotNumbers.length < this.slots) {
      const length = this.slots * 2;
      this.#slotNumbers = new Int32Array(length).map((_, slot) => slot);
    }
    return this.#slotNumbers;
  }

  set(slot: number, node: NodeDescription): void {
    if (this.#nodes[slot] === node) return;
    this.#nodes[slot] = node;
    for (const column of this.#columns.values()) column.set(slot, node);
  }

  clear(slot: number): void {
    this.#nodes[slot] = null;
    for (const column of this.#columns.values()) column.clear(slot);
  }

  nodeAt(slot: number): NodeDescription | null {
    return this.#nodes[slot] ?? null;
  }

  get slots(): number {
    return this.#nodes.length;
  }

  /** The column of a name, which `read` fills when it is asked for first. */
  column(name: string, read: (node: NodeDescription) => string): AttributeColumn {
    const known = this.#columns.get(name);
    if (known) return known;
    const column = new AttributeColumn(read);
    for (const [slot, node] of this.#nodes.entries()) if (node) column.set(slot, node);
    this.#columns.set(name, column);
    return column;
  }
}
