/** One deliberate mistake. */
export interface Mutant extends Edit {
  readonly name: string;
  /** The rule that it breaks, in a line. */
  readonly why: string;
  /** What else must be wrong for it to matter: a second line of defence. */
  readonly besides?: Edit;
}

/** An exact piece of a compiled file, and what takes its place. */
export interface Edit {
  /** Below the packages: `<package>/dist/…`. */
  readonly file: string;
  /** Occurs exactly once in the file, however it is indented; else the mutant is out of date. */
  readonly find: string;
  readonly replace: string;
}
