import {
  type ClusterId,
  type DesiredAllocation,
  type Grant,
  type NodeId,
  type NodeName,
  WHOLE_GPU_MILLIS,
} from "@berth/protocol";

/** What the node puts into every task's environment. */
export interface NodeFacts {
  readonly clusterId: ClusterId;
  readonly nodeId: NodeId;
  readonly nodeName: NodeName;
  readonly meta: Readonly<Record<string, string>>;
}

export interface TaskFolders {
  readonly home: string;
  readonly temporary: string;
}

export type Environment = Readonly<Record<string, string>>;

export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Why a task cannot be started, and what to do about it. */
export interface Refusal {
  readonly message: string;
}
export type Resolved<T> = { ok: true; value: T } | { ok: false; refusal: Refusal };

/**
 * The environment of a task: a small fixed one, what the user asked for, and Berth's own, which
 * wins. Nothing of the agent's environment gets through.
 *
 * `${NAME}` in a user's value takes a variable of the fixed part or of Berth's own.
 */
export function taskEnvironment(
  allocation: DesiredAllocation,
  node: NodeFacts,
  folders: TaskFolders,
): Resolved<Environment> {
  const fixed = {
    PATH: DEFAULT_PATH,
    HOME: folders.home,
    TMPDIR: folders.temporary,
    LANG: "C.UTF-8",
  };
  const berths = berthVariables(allocation, node);
  const known = { ...fixed, ...berths };
  const users: Record<string, string> = {};
  for (const [name, value] of Object.entries(allocation.task.env)) {
    const resolved = interpolate(value, known, `the value of ${name}`);
    if (!resolved.ok) return resolved;
    users[name] = resolved.value;
  }
  return { ok: true, value: { ...fixed, ...users, ...berths } };
}

/** The command with every `${NAME}` replaced from the task's environment. */
export function taskCommand(
  allocation: DesiredAllocation,
  environment: Environment,
): Resolved<readonly string[]> {
  const command: string[] = [];
  for (const [index, argument] of allocation.task.command.entries()) {
    const resolved = interpolate(argument, environment, `command[${index}]`);
    if (!resolved.ok) return resolved;
    command.push(resolved.value);
  }
  return { ok: true, value: command };
}

function berthVariables(allocation: DesiredAllocation, node: NodeFacts): Record<string, string> {
  const { granted } = allocation;
  const hasGpus = granted.gpuUuids.length > 0;
  const variables: Record<string, string> = {
    BERTH_ALLOC_ID: allocation.allocationId,
    BERTH_CLUSTER_ID: node.clusterId,
    BERTH_NODE_ID: node.nodeId,
    BERTH_NODE_NAME: node.nodeName,
    BERTH_PROJECT: allocation.project,
    BERTH_WORKLOAD: allocation.workloadName,
    BERTH_INDEX: String(allocation.index),
    BERTH_COUNT: String(allocation.count),
    BERTH_ATTEMPT: String(allocation.attempt),
    // By UUID, never by index: an index moves when a device fails. Without a grant, none.
    CUDA_VISIBLE_DEVICES: granted.gpuUuids.join(","),
    NVIDIA_VISIBLE_DEVICES: hasGpus ? granted.gpuUuids.join(",") : "void",
  };
  Object.assign(variables, grantVariables(granted));
  for (const [name, port] of Object.entries(granted.ports))
    variables[`PORT_${name}`] = String(port);
  for (const [key, value] of Object.entries(node.meta)) {
    variables[`BERTH_META_${variableName(key)}`] = value;
  }
  return variables;
}

/** What it was granted beside ports and whole GPUs: to be kept to, since nothing here enforces it. */
function grantVariables(granted: Grant): Record<string, string> {
  const { cpuMillis, memoryMiB, diskMiB, gpuShareMillis, gpuMemoryMiB, zone } = granted;
  const variables: Record<string, string> = {
    BERTH_CPU_MILLIS: String(cpuMillis),
    BERTH_MEMORY_MIB: String(memoryMiB),
    BERTH_DISK_MIB: String(diskMiB),
  };
  if (gpuShareMillis !== undefined)
    variables["BERTH_GPU_SHARE"] = String(gpuShareMillis / WHOLE_GPU_MILLIS);
  if (gpuMemoryMiB !== undefined) variables["BERTH_GPU_MEMORY_MIB"] = String(gpuMemoryMiB);
  if (zone !== undefined) variables["BERTH_NUMA_ZONE"] = String(zone);
  for (const [name, count] of Object.entries(granted.devices ?? {})) {
    variables[`BERTH_DEVICE_${variableName(name)}`] = String(count);
  }
  return variables;
}

function variableName(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_]/g, "_");
}

const REFERENCE = /\$?\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\$\{/g;

/**
 * `${NAME}` becomes the variable's value and `$${` a plain `${`. What is no name in brackets, such
 * as a shell's `${x:-y}`, stays as it is.
 */
function interpolate(text: string, variables: Environment, where: string): Resolved<string> {
  const unknown: string[] = [];
  const value = text.replaceAll(REFERENCE, (match, name: string | undefined) => {
    if (match.startsWith("$$")) return match.slice(1);
    const found = Object.hasOwn(variables, name ?? "") ? variables[name ?? ""] : undefined;
    if (found === undefined) unknown.push(name ?? "");
    return found ?? match;
  });
  const [first] = unknown;
  if (first === undefined) return { ok: true, value };
  const names = Object.keys(variables)
    .filter((name) => !name.startsWith("BERTH_"))
    .sort();
  const message =
    `${where} refers to an unknown variable \${${first}}; there are ${names.join(", ")} and ` +
    `BERTH_*. For a shell's own variable write $\${${first}}.`;
  return { ok: false, refusal: { message } };
}
