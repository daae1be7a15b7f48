import { type Logger, loggerTo } from "@berth/runtime";
import { nodeClock } from "@berth/runtime/node";
import { ProcessTable } from "./shell/process-table.ts";
import { StateFolder } from "./shell/state-folder.ts";
import { Supervisor } from "./shell/supervisor.ts";

/**
 * Stops every task recorded in a state folder, each with its own signal and grace period, and
 * resolves to how many there were. The next agent on the folder reports them as stopped. Rejects
 * with `conflict` while an agent uses the folder.
 */
export async function stopAllTasks(
  stateFolder: string,
  logger: Logger = loggerTo(() => {}),
): Promise<number> {
  const table = new ProcessTable();
  const state = StateFolder.open(stateFolder, table);
  const supervisor = new Supervisor({
    state,
    table,
    clock: nodeClock,
    logger,
    exec: null,
    nodeFacts: null,
    onReport: () => {},
  });
  try {
    supervisor.load(state.readMembership(logger)?.clusterId ?? null);
    return await supervisor.stopAll();
  } finally {
    supervisor.close();
    state.close();
  }
}
