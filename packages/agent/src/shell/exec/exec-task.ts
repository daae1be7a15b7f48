import type { ClusterId, DesiredAllocation, Exit } from "@berth/protocol";
import type { Logger } from "@berth/runtime";
import type { Refusal, Resolved } from "../../core/task-environment.ts";
import type { AllocationFolder, ExecRecord } from "../allocation-folder.ts";
import { errnoOf } from "../durable-file.ts";
import type { TaskProcesses } from "../task-processes.ts";
import type { ExecEngine } from "./exec-engine.ts";
import { outOfMemory } from "./out-of-memory.ts";
import { TaskCgroup } from "./task-cgroup.ts";

export interface ExecTaskOptions {
  readonly allocation: DesiredAllocation;
  readonly folder: AllocationFolder;
  readonly processes: TaskProcesses;
  /** Null where none can be started, and those that run are looked after all the same. */
  readonly exec: ExecEngine | null;
  readonly logger: Logger;
}

/** One task's dealings with the engine of its driver; with the driver `process` it has none. */
export class ExecTask {
  readonly #options: ExecTaskOptions;

  constructor(options: ExecTaskOptions) {
    this.#options = options;
  }

  /** What is to be recorded before anything is made; nothing with the driver `process`. */
  admit(clusterId: ClusterId): Resolved<ExecRecord | null> {
    const { allocation, exec } = this.#options;
    if (allocation.task.driver !== "exec") return { ok: true, value: null };
    const message = "this agent starts no tasks with the driver exec";
    const admitted = exec?.admit(allocation, clusterId) ?? { ok: false, refusal: { message } };
    if (!admitted.ok) return admitted;
    const { cgroup, processors } = admitted.value;
    this.#take(cgroup);
    return {
      ok: true,
      value: {
        cgroup: [...cgroup.folders],
        processors: processors === null ? null : [...processors],
      },
    };
  }

  /** Makes the control group that was recorded; why it cannot, or null. */
  make(clusterId: ClusterId): Refusal | null {
    const { allocation, processes, exec } = this.#options;
    if (processes.group === null) return null;
    try {
      exec?.create(allocation, clusterId);
      return null;
    } catch (cause) {
      const why = errnoOf(cause) ?? String(cause);
      return { message: `its control group cannot be made: ${why}` };
    }
  }

  /** Takes up what an earlier agent has recorded. */
  adopt({ cgroup: folders, processors }: ExecRecord): void {
    const { allocation, exec } = this.#options;
    const cgroup = new TaskCgroup(folders);
    const { allocationId, granted } = allocation;
    exec?.adopt(allocationId, { cgroup, processors }, granted.zone ?? null);
    this.#take(cgroup);
  }

  /**
   * The end by its name: a status alone does not tell who sent a SIGKILL. The control group does,
   * while it is there, and it is written down before that goes.
   */
  named(exit: Exit): Exit {
    const { allocation, folder, processes, logger } = this.#options;
    const known = folder.readCause();
    if (known !== null) return known;
    if (processes.group === null) return exit;
    const oom = outOfMemory(exit, processes.group.cgroup, allocation);
    if (oom === null) return exit;
    try {
      folder.writeCause(oom);
    } catch (error) {
      logger.count("cause", "cannot record why a task ended", { error });
    }
    return oom;
  }

  #take(cgroup: TaskCgroup): void {
    const { allocation, processes, exec } = this.#options;
    const release = () => exec?.release(allocation.allocationId, cgroup) ?? cgroup.remove();
    processes.group = { cgroup, release };
  }
}
