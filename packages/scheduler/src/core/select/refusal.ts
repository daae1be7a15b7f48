import type { ErrorCode, WireError } from "@berth/protocol";

/** A refusal is a value: what was asked is not possible, and why. */
export type Refused = { readonly ok: false; readonly error: WireError };

export function refuse(
  code: ErrorCode,
  message: string,
  more: Partial<Pick<WireError, "hint" | "retryable" | "details" | "problems">> = {},
): Refused {
  const { hint = null, retryable = false, details = {}, problems = [] } = more;
  return { ok: false, error: { code, message, hint, retryable, details, problems } };
}
