import type { Context } from "../context.ts";
import type { ExitCode } from "../exit-codes.ts";
export interface ServiceFlags {
  readonly server?: string;
  readonly credentials?: string;
}
export async function service(_c: Context, _n: string, _o: ServiceFlags): Promise<ExitCode> {
  throw new Error("todo");
}
