import type { ErrorCode, SpecProblem, WireError } from "./errors.ts";

/** An operating failure, as opposed to a refusal (a value) and a bug (an assertion). */
export class BerthError extends Error {
  override readonly name = "BerthError";
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly hint: string | null;
  readonly details: WireError["details"];
  readonly problems: readonly SpecProblem[];

  constructor(
    code: ErrorCode,
    message: string,
    options: {
      retryable?: boolean;
      hint?: string | null;
      details?: WireError["details"];
      problems?: readonly SpecProblem[];
      cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.hint = options.hint ?? null;
    this.details = options.details ?? {};
    this.problems = options.problems ?? [];
  }

  static fromWire(wire: WireError): BerthError {
    return new BerthError(wire.code, wire.message, wire);
  }

  toWire(): WireError {
    return {
      code: this.code,
      message: this.message,
      hint: this.hint,
      retryable: this.retryable,
      details: this.details,
      problems: [...this.problems],
    };
  }
}
