import { BerthError, type WorkloadDetail } from "@berth/protocol";
import type { Context } from "../context.ts";

/** The workload as it is now; null when there is none of that name. */
export async function findWorkload(
  context: Context,
  workload: string,
): Promise<WorkloadDetail | null> {
  try {
    return await context.client.call("workload.get", { workload });
  } catch (error) {
    if (error instanceof BerthError && error.code === "not_found") return null;
    throw error;
  }
}
