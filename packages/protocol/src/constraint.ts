import { hasOrder, isNumber, orderOf } from "./value-order.ts";

/**
 * The constraint language: one expression about a node, checked when the workload is submitted and
 * evaluated for each node.
 *
 *     node.labels.rack in [a, b] and not (node.labels.tier == spare)
 *     node.cpu.model =~ "EPYC"     node.name != r1-s01     exists node.labels.nvme
 *
 * Grammar (lowest binding first):
 *
 *     expression = conjunction { "or" conjunction }
 *     conjunction = term { "and" term }
 *     term = "not" term | "(" expression ")" | "exists" path | comparison
 *     comparison = path ( "==" | "!=" | "<" | "<=" | ">" | ">=" | "=~" ) value
 *                | path [ "not" ] "in" "[" value { "," value } "]"
 *     path = "node" { "." word }     value = word | number | quoted string
 *
 * A missing attribute makes a comparison false, `!=` and `not in` true. `<` and the like compare
 * numbers and versions (`value-order.ts`) and are false for any other text. `=~` is a plain
 * case-insensitive "contains", not a regular expression: no submission can make it slow.
 */
export type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=" | "=~";
export type Constraint =
  | { op: "and" | "or"; left: Constraint; right: Constraint }
  | { op: "not"; term: Constraint }
  | { op: "exists"; path: string }
  | { op: "in"; path: string; values: readonly string[]; negated: boolean }
  | { op: "compare"; comparison: Comparison; path: string; value: string };

export type ParsedConstraint =
  | {
      ok: true;
      constraint: Constraint;
      paths: readonly string[];
      /** Comparisons that are never true, because the value is not of the attribute's type. */
      mistyped: readonly Misplaced[];
    }
  | ({ ok: false } & Misplaced);

/** What is wrong at which 1-based column. */
export interface Misplaced {
  readonly message: string;
  readonly column: number;
}

/** Attributes every node has, beside `node.labels.<key>` and `node.meta.<key>`. */
export const nodeAttributes = [
  "node.name",
  "node.id",
  "node.pool",
  "node.architecture",
  "node.cpu.model",
  "node.cpu.threads",
  "node.memoryMiB",
  "node.kernel",
  "node.os",
  "node.agentVersion",
  "node.gpu.model",
  "node.gpu.count",
] as const;

/** Those that are numbers on every node. */
const numericAttributes: ReadonlySet<string> = new Set([
  "node.cpu.threads",
  "node.memoryMiB",
  "node.gpu.count",
]);

export function isNodeAttribute(path: string): boolean {
  return (
    (nodeAttributes as readonly string[]).includes(path) || /^node\.(labels|meta)\.[^.]/.test(path)
  );
}

/** Parses one expression; an error says what was expected and at which 1-based column. */
export function parseConstraint(source: string): ParsedConstraint {
  try {
    const parser = new Parser(source);
    const constraint = parser.expression();
    parser.expectEnd();
    const { paths, mistyped } = parser;
    return { ok: true, constraint, paths, mistyped };
  } catch (error) {
    if (error instanceof SyntaxProblem) {
      return { ok: false, message: error.message, column: error.column };
    }
    throw error;
  }
}

/** Evaluates against a node's attributes; `lookup` returns undefined for what the node lacks. */
export function holds(
  constraint: Constraint,
  lookup: (path: string) => string | number | undefined,
): boolean {
  switch (constraint.op) {
    case "and":
      return holds(constraint.left, lookup) && holds(constraint.right, lookup);
    case "or":
      return holds(constraint.left, lookup) || holds(constraint.right, lookup);
    case "not":
      return !holds(constraint.term, lookup);
    case "exists":
      return lookup(constraint.path) !== undefined;
    case "in": {
      const actual = lookup(constraint.path);
      const found = actual !== undefined && constraint.values.includes(String(actual));
      return constraint.negated ? !found : found;
    }
    case "compare":
      return compare(constraint.comparison, lookup(constraint.path), constraint.value);
  }
}

function compare(
  comparison: Comparison,
  actual: string | number | undefined,
  expected: string,
): boolean {
  if (actual === undefined) return comparison === "!=";
  switch (comparison) {
    case "==":
      return String(actual) === expected;
    case "!=":
      return String(actual) !== expected;
    case "=~":
      return String(actual).toLowerCase().includes(expected.toLowerCase());
    case "<":
      return isOrdered(actual, expected, (order) => order < 0);
    case "<=":
      return isOrdered(actual, expected, (order) => order <= 0);
    case ">":
      return isOrdered(actual, expected, (order) => order > 0);
    case ">=":
      return isOrdered(actual, expected, (order) => order >= 0);
  }
}

/** False where the two have no order. */
function isOrdered(
  actual: string | number,
  expected: string,
  holdsFor: (order: number) => boolean,
): boolean {
  const order = orderOf(String(actual), expected);
  return order !== null && holdsFor(order);
}

/** Why the comparison is never true, or always; null when it makes sense. */
function typeMessage(path: string, comparison: Comparison, value: string): string | null {
  if (numericAttributes.has(path)) {
    return isNumber(value) ? null : `${path} is a number, and '${value}' is none`;
  }
  if (comparison === "==" || comparison === "!=" || comparison === "=~" || hasOrder(value)) {
    return null;
  }
  return `'${comparison}' compares numbers and versions, and '${value}' is neither`;
}

class SyntaxProblem extends Error {
  readonly column: number;
  constructor(message: string, column: number) {
    super(message);
    this.column = column;
  }
}

type Token = { text: string; kind: "word" | "string" | "symbol" | "end"; column: number };

const DEPTH_MAX = 32;
const TOKEN =
  /\s*(?:(==|!=|<=|>=|=~|<|>|\(|\)|\[|\]|,)|"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s()[\],"'=<>!~]+))/y;

class Parser {
  readonly paths: string[] = [];
  readonly mistyped: Misplaced[] = [];
  private readonly source: string;
  private offset = 0;
  private depth = 0;
  private token: Token;

  constructor(source: string) {
    this.source = source;
    this.token = this.next();
  }

  expression(): Constraint {
    let left = this.conjunction();
    while (this.takeWord("or")) left = { op: "or", left, right: this.conjunction() };
    return left;
  }

  expectEnd(): void {
    if (this.token.kind !== "end") this.fail("'and', 'or' or the end of the expression");
  }

  private conjunction(): Constraint {
    let left = this.term();
    while (this.takeWord("and")) left = { op: "and", left, right: this.term() };
    return left;
  }

  private term(): Constraint {
    this.depth += 1;
    if (this.depth > DEPTH_MAX) {
      throw new SyntaxProblem(`nested more than ${DEPTH_MAX} deep`, this.token.column);
    }
    const term = this.termInside();
    this.depth -= 1;
    return term;
  }

  private termInside(): Constraint {
    if (this.takeWord("not")) return { op: "not", term: this.term() };
    if (this.takeWord("exists")) return { op: "exists", path: this.path() };
    if (this.takeSymbol("(")) {
      const inner = this.expression();
      if (!this.takeSymbol(")")) this.fail("')'");
      return inner;
    }
    return this.comparison();
  }

  private comparison(): Constraint {
    const path = this.path();
    const negated = this.takeWord("not");
    if (this.takeWord("in")) return { op: "in", path, values: this.list(path), negated };
    if (negated) this.fail("'in' after 'not'");
    const operator = this.token;
    for (const comparison of ["==", "!=", "<=", ">=", "=~", "<", ">"] as const) {
      if (this.takeSymbol(comparison))
        return { op: "compare", comparison, path, value: this.value(path, comparison) };
    }
    this.token = operator;
    return this.fail("an operator: ==, !=, <, <=, >, >=, =~, in, not in");
  }

  private path(): string {
    const { text, kind, column } = this.token;
    if (kind !== "word") this.fail("an attribute such as node.labels.rack");
    if (!isNodeAttribute(text)) {
      throw new SyntaxProblem(
        `'${text}' is no node attribute; known: ${nodeAttributes.join(", ")}, node.labels.<key>, node.meta.<key>`,
        column,
      );
    }
    this.paths.push(text);
    this.token = this.next();
    return text;
  }

  private list(path: string): string[] {
    if (!this.takeSymbol("[")) this.fail("'[' and a list of values");
    const values = [this.value(path, "==")];
    while (this.takeSymbol(",")) values.push(this.value(path, "=="));
    if (!this.takeSymbol("]")) this.fail("',' or ']'");
    return values;
  }

  private value(path: string, comparison: Comparison): string {
    const { text, kind, column } = this.token;
    if (kind !== "word" && kind !== "string") this.fail("a value");
    const message = typeMessage(path, comparison, text);
    if (message !== null) this.mistyped.push({ message, column });
    this.token = this.next();
    return text;
  }

  private takeWord(word: string): boolean {
    return this.take("word", word);
  }

  private takeSymbol(symbol: string): boolean {
    return this.take("symbol", symbol);
  }

  private take(kind: Token["kind"], text: string): boolean {
    if (this.token.kind !== kind || this.token.text !== text) return false;
    this.token = this.next();
    return true;
  }

  private fail(expected: string): never {
    const found = this.token.kind === "end" ? "the end" : `'${this.token.text}'`;
    throw new SyntaxProblem(`expected ${expected}, found ${found}`, this.token.column);
  }

  private next(): Token {
    TOKEN.lastIndex = this.offset;
    const match = TOKEN.exec(this.source);
    if (!match) {
      const rest = this.source.slice(this.offset);
      const column = this.offset + (rest.length - rest.trimStart().length) + 1;
      if (rest.trim() === "") return { text: "", kind: "end", column };
      throw new SyntaxProblem(`cannot read '${rest.trim().slice(0, 20)}'`, column);
    }
    this.offset = TOKEN.lastIndex;
    const [whole, symbol, double, single, word] = match;
    const column = match.index + (whole.length - whole.trimStart().length) + 1;
    if (symbol !== undefined) return { text: symbol, kind: "symbol", column };
    if (word !== undefined) return { text: word, kind: "word", column };
    const quoted = double === undefined ? (single ?? "") : double.replace(/\\(.)/g, "$1");
    return { text: quoted, kind: "string", column };
  }
}
