import { existsSync } from "node:fs";
import { join } from "node:path";

/** Ends every task of the home's agent, which must not be running; resolves to how many. */
export async function stopTasks(home: string): Promise<number> {
  const state = join(home, "agent");
  if (!existsSync(state)) return 0;
  const { stopAllTasks } = await import("@berth/agent");
  return stopAllTasks(state);
}
