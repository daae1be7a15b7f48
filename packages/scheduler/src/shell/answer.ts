import { limits, type SpecProblem, type WireError } from "@berth/protocol";
import type { Message } from "@berth/runtime";
import type { z } from "zod";
import { shellLimits } from "./limits.ts";
import { refusal } from "./refusal.ts";

export type Respond = NonNullable<Message["respond"]>;

/** `seq`: the sequence of the log that the answer reflects, where it answers a client. */
export function accept(respond: Respond, value: unknown, seq?: number): void {
  respond(seq === undefined ? { ok: true, value } : { ok: true, value, seq });
}

export function refuse(respond: Respond, error: WireError): void {
  respond({ ok: false, error });
}

/** Accepts, unless the answer is larger than a message may be. */
export function acceptBounded(respond: Respond, value: unknown, seq: number): void {
  const bytes = new TextEncoder().encode(JSON.stringify(value)).length;
  if (bytes <= limits.messageBytesMax) accept(respond, value, seq);
  else {
    const details = { bytes, max: limits.messageBytesMax };
    const message = `the answer has ${bytes} bytes; ${limits.messageBytesMax} fit one message`;
    const hint = "Ask for less: one workload, one node, a smaller limit.";
    refuse(respond, refusal("invalid", message, { details, hint }));
  }
}

/** What does not have the shape a request must have, with every problem. */
export function invalidRequest(what: string, error: z.ZodError): WireError {
  const problems = error.issues.slice(0, shellLimits.problemsMax).map(
    (issue): SpecProblem => ({
      document: 0,
      path: issue.path.map((step) => (typeof step === "symbol" ? String(step) : step)),
      message: issue.message,
      value: quote(issue.input),
      suggestion: null,
    }),
  );
  const [first] = problems;
  const place = first === undefined || first.path.length === 0 ? "" : `${first.path.join(".")}: `;
  return refusal("invalid", `${what} is not valid: ${place}${first?.message}`, { problems });
}

function quote(value: unknown): string | null {
  if (value === undefined) return null;
  return JSON.stringify(value).slice(0, shellLimits.quotedValueCharactersMax);
}
