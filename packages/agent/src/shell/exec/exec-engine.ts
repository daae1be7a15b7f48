import type {
  AllocationId,
  ClusterId,
  DesiredAllocation,
  DriverStatus,
  NodeId,
} from "@berth/protocol";
import type { Clock, Logger } from "@berth/runtime";
import { type Controller, describeHierarchies } from "../../core/cgroup/hierarchies.ts";
import {
  chooseProcessors,
  formatProcessors,
  parseProcessors,
  type Processor,
} from "../../core/cgroup/processors.ts";
import { boundsOf, type TaskBounds } from "../../core/cgroup/settings.ts";
import { deniedGpus } from "../../core/gpu-minors.ts";
import type { Resolved } from "../../core/task-environment.ts";
import { agentTimings } from "../../limits.ts";
import { isAbsence } from "../durable-file.ts";
import { readCores, readDisks, readGpuMinors, readNodeProcessors } from "./host-devices.ts";
import { HostCgroups } from "./host-cgroups.ts";
import type { TaskCgroup } from "./task-cgroup.ts";

const MILLIS_PER_CPU = 1_000;
const GPU_FOLDER = "/proc/driver/nvidia/gpus";
/** Of a node's id: enough to tell the nodes of one host apart. */
const NODE_ID_LENGTH = 13;
/** What `exec` is nothing without. */
const REQUIRED: readonly Controller[] = ["cpu", "memory", "pids"];

/** What an allocation holds of the engine; written down before anything is started. */
export interface ExecHold {
  readonly cgroup: TaskCgroup;
  /** Processors that are its alone; null where it shares. */
  readonly processors: readonly Processor[] | null;
}

interface Member extends ExecHold {
  readonly zone: number | null;
}

export interface ExecEngineOptions {
  readonly nodeId: NodeId;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly host?: HostCgroups;
  /** Where the driver of NVIDIA's devices tells of them. */
  readonly gpuFolder?: string;
}

/**
 * The engine *direct* of the driver `exec`: a control group for each task, made by the agent itself
 * in whatever trees the machine has, and joined by the task before its first instruction.
 */
export class ExecEngine {
  readonly status: DriverStatus;
  readonly #host: HostCgroups;
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #failures: ReadonlyMap<Controller, string>;
  readonly #gpuFolder: string;
  readonly #members = new Map<AllocationId, Member>();

  /** Finds out by trying what can be enforced here. */
  constructor(options: ExecEngineOptions) {
    const { nodeId, clock, logger, host = HostCgroups.find() } = options;
    this.#host = host;
    this.#gpuFolder = options.gpuFolder ?? GPU_FOLDER;
    this.#prefix = `${nodeId.slice(0, NODE_ID_LENGTH)}.`;
    this.#clock = clock;
    this.#logger = logger;
    this.#failures = host.tryOut(`${this.#prefix}trial-${process.pid}`, trialBounds());
    this.status = this.#describe();
  }

  /** Why no task can run with it here; null when they can. */
  get refusal(): string | null {
    return this.status.available ? null : this.status.reason;
  }

  /** Decides where an allocation goes and keeps its processors for it. Makes nothing yet. */
  admit(allocation: DesiredAllocation, clusterId: ClusterId): Resolved<ExecHold> {
    const message = this.refusal ?? this.#lackFor(allocation);
    if (message !== null) return { ok: false, refusal: { message } };
    const { allocationId, granted } = allocation;
    this.#members.delete(allocationId); // an earlier agent may not have come any further
    const cgroup = this.#host.at(this.nameOf(clusterId, allocationId));
    const zone = granted.zone ?? null;
    let processors: readonly Processor[] | null = null;
    if (granted.exclusiveCores) {
      processors = this.#chooseProcessors(granted.cpuMillis / MILLIS_PER_CPU, zone);
      if (processors === null) {
        const text = `no ${granted.cpuMillis / MILLIS_PER_CPU} processors are left to give it alone`;
        return { ok: false, refusal: { message: text } };
      }
    }
    this.#members.set(allocationId, { cgroup, processors, zone });
    return { ok: true, value: { cgroup, processors } };
  }

  /** Makes the group. Throws where the kernel refuses. */
  create(allocation: DesiredAllocation, clusterId: ClusterId): void {
    const { allocationId, granted, task } = allocation;
    const member = this.#members.get(allocationId);
    const disks = task.limits === undefined ? [] : readDisks();
    const deniedDevices = deniedGpus(readGpuMinors(this.#gpuFolder), granted.gpuUuids);
    const bounds = boundsOf(granted, task.limits, { disks, deniedDevices });
    if (member?.processors) this.#placeAll(); // the others make room first
    this.#host.create(this.nameOf(clusterId, allocationId), bounds);
    if (member !== undefined) this.#place(member, this.#shared());
  }

  /** Takes up what an earlier agent has recorded. */
  adopt(allocationId: AllocationId, hold: ExecHold, zone: number | null): void {
    this.#members.set(allocationId, { ...hold, zone });
  }

  /** Removes an empty group and gives its processors back to all; false while something is in it. */
  release(allocationId: AllocationId, cgroup: TaskCgroup): boolean {
    if (!cgroup.remove()) return false;
    const member = this.#members.get(allocationId);
    this.#members.delete(allocationId);
    if (member?.processors) this.#placeAll();
    return true;
  }

  nameOf(clusterId: ClusterId, allocationId: AllocationId): string {
    return `${this.#prefix}${clusterId}.${allocationId}`;
  }

  /**
   * Ends what is in groups of this node that no record speaks of: their records are gone, so nobody
   * could ever stop them.
   */
  sweep(): void {
    const known = new Set([...this.#members.values()].map(({ cgroup }) => cgroup.folders[0]));
    const names = this.#host.names().filter((name) => name.startsWith(this.#prefix));
    for (const name of names) {
      const cgroup = this.#host.at(name);
      if (!known.has(cgroup.folders[0])) this.#sweepOne(name, cgroup);
    }
  }

  #sweepOne(name: string, cgroup: TaskCgroup): void {
    if (cgroup.remove()) return;
    this.#logger.warn("ends what is in a control group without a record", {
      cgroup: name,
      processes: cgroup.pids().length,
    });
    cgroup.kill();
    const timer = this.#clock.every(agentTimings.leftoverCgroupMs, () => {
      if (cgroup.remove()) timer.cancel();
      else cgroup.kill();
    });
  }

  #describe(): DriverStatus {
    const failed = REQUIRED.flatMap((name) => this.#failures.get(name) ?? []);
    const name = "exec";
    const [reason] = failed;
    if (reason !== undefined) {
      const hint = "run the agent as root on a host with cgroups, or use the driver process";
      return { name, available: false, reason: `${reason}; ${hint}` };
    }
    const all: readonly Controller[] = ["cpu", "memory", "pids", "io", "cpuset", "devices"];
    return {
      name,
      available: true,
      reason: null,
      engine: describeHierarchies(this.#host.hierarchies),
      enforces: all.filter((each) => !this.#failures.has(each)),
      lacks: all.flatMap((what) => {
        const why = this.#failures.get(what);
        return why === undefined ? [] : [{ what, reason: why }];
      }),
    };
  }

  /** What this allocation asks for beyond what every node of the driver has. */
  #lackFor({ granted, task }: DesiredAllocation): string | null {
    const io = this.#failures.get("io");
    const asksForIo = task.limits?.diskReadMiB ?? task.limits?.diskWriteMiB;
    if (asksForIo !== undefined && io !== undefined) return `cannot limit its use of disks: ${io}`;
    const cpuset = this.#failures.get("cpuset");
    if (granted.exclusiveCores && cpuset !== undefined) {
      return `cannot give it processors of its own: ${cpuset}`;
    }
    return null;
  }

  #chooseProcessors(count: number, zone: number | null): Processor[] | null {
    const usable = new Set(parseProcessors(this.#host.processors() ?? ""));
    const near = zone === null ? null : readNodeProcessors(zone);
    const cores = readCores()
      .map((core) => core.filter((each) => usable.has(each) && (near?.has(each) ?? true)))
      .filter((core) => core.length > 0);
    return chooseProcessors(cores, this.#taken(), count);
  }

  #taken(): Set<Processor> {
    return new Set([...this.#members.values()].flatMap(({ processors }) => processors ?? []));
  }

  /** What is nobody's alone; all when that would be nothing. */
  #shared(): readonly Processor[] {
    const usable = parseProcessors(this.#host.processors() ?? "");
    const taken = this.#taken();
    const shared = usable.filter((each) => !taken.has(each));
    return shared.length === 0 ? usable : shared;
  }

  #placeAll(): void {
    const shared = this.#shared();
    for (const [allocationId, member] of this.#members) {
      if (member.processors !== null) continue;
      try {
        this.#place(member, shared);
      } catch (error) {
        if (isAbsence(error)) continue; // not made yet, or gone already
        const fields = { allocation: allocationId, error };
        this.#logger.count("cpuset", "cannot move a task off another's processors", fields);
      }
    }
  }

  #place({ cgroup, processors, zone }: Member, shared: readonly Processor[]): void {
    if (this.#failures.has("cpuset")) return;
    const near = zone === null ? null : readNodeProcessors(zone);
    const sharedNear = shared.filter((each) => near?.has(each) ?? true);
    const own = processors ?? (sharedNear.length > 0 ? sharedNear : shared);
    this.#host.place(cgroup, formatProcessors(own), zone === null ? null : String(zone));
  }
}

/** Small, harmless bounds for a group that nothing ever runs in. */
function trialBounds(): TaskBounds {
  return {
    cpuMillis: 100,
    cpuMillisMax: 100,
    memoryMiB: 1,
    memoryMiBMax: 1,
    pidsMax: 1,
    diskReadMiB: 1,
    diskWriteMiB: 1,
    diskWeight: null,
    disks: readDisks(),
    deniedDevices: [],
  };
}
