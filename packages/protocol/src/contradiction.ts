import type { Comparison, Constraint } from "./constraint.ts";
import { orderOf } from "./value-order.ts";

/**
 * Constraints that no node can meet, whatever nodes there are: `rack == a` beside `rack == b`,
 * `exists x` beside `not exists x`, `threads > 64` beside `threads < 32`. Sound, not complete: what
 * is found is a contradiction, and too many alternatives (`or`) are not followed.
 */
export interface Contradiction {
  /** The first constraint that cannot hold together with those before it. */
  readonly index: number;
  /** The attribute that would have to be two things at once. */
  readonly path: string;
}

const ALTERNATIVES_MAX = 64;

/** All of the constraints have to hold on one node; null when nothing speaks against that. */
export function findContradiction(constraints: readonly Constraint[]): Contradiction | null {
  let alternatives: readonly Conjunction[] = [[]];
  for (const [index, constraint] of constraints.entries()) {
    const added = alternativesOf(constraint, true);
    if (added.length * alternatives.length > ALTERNATIVES_MAX) return null;
    const joined = alternatives.flatMap((atoms) => added.map((more) => [...atoms, ...more]));
    alternatives = joined.filter((atoms) => impossiblePath(atoms) === null);
    if (alternatives.length > 0) continue;
    return { index, path: joined.map(impossiblePath).find((path) => path !== null) ?? "" };
  }
  return null;
}

/** A comparison without `and`, `or` and `not` around it. */
type Atom =
  | { op: "exists"; path: string; negated: boolean }
  | { op: "in"; path: string; values: readonly string[]; negated: boolean }
  | { op: "compare"; comparison: Comparison; path: string; value: string; negated: boolean };
type Conjunction = readonly Atom[];

/** The disjunctive normal form of a constraint, or of its negation. */
function alternativesOf(constraint: Constraint, isMeant: boolean): readonly Conjunction[] {
  switch (constraint.op) {
    case "and":
    case "or": {
      const left = alternativesOf(constraint.left, isMeant);
      const right = alternativesOf(constraint.right, isMeant);
      if ((constraint.op === "or") === isMeant) return [...left, ...right];
      if (left.length * right.length > ALTERNATIVES_MAX) return [[]]; // says nothing
      return left.flatMap((atoms) => right.map((more) => [...atoms, ...more]));
    }
    case "not":
      return alternativesOf(constraint.term, !isMeant);
    case "exists":
      return [[{ ...constraint, negated: !isMeant }]];
    case "in":
      return [[{ ...constraint, negated: constraint.negated === isMeant }]];
    case "compare":
      return [[{ ...constraint, negated: !isMeant }]];
  }
}

/** The attribute for which no value meets all of what is said of it. */
function impossiblePath(atoms: Conjunction): string | null {
  const paths = new Set(atoms.map(({ path }) => path));
  for (const path of paths)
    if (isImpossible(atoms.filter((atom) => atom.path === path))) return path;
  return null;
}

function isImpossible(atoms: Conjunction): boolean {
  if (meetsAll(undefined, atoms)) return false;
  const named = atoms.flatMap(valuesNamed);
  if (named.length > 0) return !named.some((value) => meetsAll(value, atoms));
  if (atoms.some(({ op, negated }) => op === "exists" && negated)) return true;
  return isEmptyRange(atoms);
}

/** The only values it may have; empty when that is not said by naming them. */
function valuesNamed(atom: Atom): readonly string[] {
  if (atom.negated) return [];
  if (atom.op === "in") return atom.values;
  return atom.op === "compare" && atom.comparison === "==" ? [atom.value] : [];
}

function meetsAll(value: string | undefined, atoms: Conjunction): boolean {
  return atoms.every((atom) => meets(value, atom) !== atom.negated);
}

function meets(value: string | undefined, atom: Atom): boolean {
  switch (atom.op) {
    case "exists":
      return value !== undefined;
    case "in":
      return value !== undefined && atom.values.includes(value);
    case "compare":
      return value === undefined ? atom.comparison === "!=" : compares(value, atom);
  }
}

function compares(value: string, atom: { comparison: Comparison; value: string }): boolean {
  const order = orderOf(value, atom.value);
  switch (atom.comparison) {
    case "==":
      return value === atom.value;
    case "!=":
      return value !== atom.value;
    case "=~":
      return value.toLowerCase().includes(atom.value.toLowerCase());
    case "<":
      return order !== null && order < 0;
    case "<=":
      return order !== null && order <= 0;
    case ">":
      return order !== null && order > 0;
    case ">=":
      return order !== null && order >= 0;
  }
}

/** Two bounds with nothing between them, both of one kind (numbers or versions). */
function isEmptyRange(atoms: Conjunction): boolean {
  const bounds = atoms.flatMap((atom) => (atom.op === "compare" && !atom.negated ? [atom] : []));
  const lower = bounds.filter(({ comparison }) => comparison === ">" || comparison === ">=");
  const upper = bounds.filter(({ comparison }) => comparison === "<" || comparison === "<=");
  return lower.some((least) =>
    upper.some((most) => {
      const order = orderOf(least.value, most.value);
      if (order === null || order < 0) return false;
      return order > 0 || least.comparison === ">" || most.comparison === "<";
    }),
  );
}
