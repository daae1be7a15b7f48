/**
 * States what must be true for the code to be right. A failure is a bug, never bad input: the
 * process stops and recovers from the log rather than going on with a state nobody reasoned about.
 * A message that takes making is given as a function: what holds a million times should not pay for it.
 */
export function assert(condition: unknown, message: string | (() => string)): asserts condition {
  if (!condition) throw new AssertionError(typeof message === "string" ? message : message());
}

/** The `default` of an exhaustive switch: compiles only when every case is handled. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`);
}

export class AssertionError extends Error {
  override readonly name = "AssertionError";
}
