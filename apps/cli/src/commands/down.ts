import type { Context } from "../context.ts";
import type { ExitCode } from "../exit-codes.ts";
export interface DownOptions {
  readonly tasks?: true;
}
export async function down(_c: Context, _o: DownOptions): Promise<ExitCode> {
  throw new Error("todo");
}
