import type { Context } from "../context.ts";
import type { ExitCode } from "../exit-codes.ts";
export interface UpOptions {
  readonly detach?: true;
  readonly port?: number;
  readonly natsPort?: number;
  readonly taskPorts?: { from: number; to: number };
  readonly examples: boolean;
  readonly stopTasks?: true;
}
export async function up(_c: Context, _o: UpOptions): Promise<ExitCode> {
  throw new Error("todo");
}
