import {
  type AllocationView,
  BerthError,
  type DriverStatus,
  describeExit,
  describePendingGroup,
  formatCpuMillis,
  formatMemoryMiB,
  formatNetworkMbps,
  type NodeDetail,
  type WorkloadDetail,
} from "@berth/protocol";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { allocationColumns, nodeStatusText } from "../output/columns.ts";
import { age, counted } from "../output/format-values.ts";
import { makeHarmless } from "../output/harmless-text.ts";
import { needsText, rulesText } from "../output/spec-text.ts";
import { renderTable } from "../output/table.ts";
import { progressText } from "../output/workload-text.ts";

type Field = readonly [name: string, text: string | null];
type Fields = readonly Field[];

/** `berth show`: an id says what it is; any other name is a workload, else a node. */
export async function show(context: Context, name: string): Promise<ExitCode> {
  if (/^a[1-9]\d*$/.test(name)) {
    const allocation = await orNull(context.client.call("allocation.get", { allocation: name }));
    if (allocation) return showAllocation(context, allocation);
  }
  if (/^U[A-Z2-7]{5,}$/.test(name)) return showNode(context, name);
  try {
    return showWorkload(context, await context.client.call("workload.get", { workload: name }));
  } catch (error) {
    if (!(error instanceof BerthError) || error.code !== "not_found") throw error;
    const node = await orNull(context.client.call("node.get", { node: name }));
    if (!node) throw error;
    return printNode(context, node);
  }
}

export async function showNode(context: Context, name: string): Promise<ExitCode> {
  return printNode(context, await context.client.call("node.get", { node: name }));
}

function showWorkload(context: Context, detail: WorkloadDetail): ExitCode {
  if (context.isJson) {
    context.printJson(detail);
    return exitCodes.done;
  }
  const now = Date.now();
  const { spec } = detail;
  printFields(context, [
    [
      "workload",
      `${detail.id}  ${detail.kind}, version ${detail.version}, priority ${spec.priority}`,
    ],
    ["status", progressText(detail)],
    ["needs", needsText(spec)],
    ["command", spec.task.command.map(shellWord).join(" ")],
    ["where", rulesText(spec)],
    [
      "age",
      `${age(detail.submittedAtUnixMs, now)}, changed ${age(detail.updatedAtUnixMs, now)} ago`,
    ],
  ]);
  for (const group of detail.pendingGroups) {
    context.print(`waiting   ${describePendingGroup(group, { nowUnixMs: now })}`);
  }
  printAllocations(context, detail.allocations);
  return exitCodes.done;
}

function showAllocation(context: Context, allocation: AllocationView): ExitCode {
  if (context.isJson) {
    context.printJson(allocation);
    return exitCodes.done;
  }
  const now = Date.now();
  const { granted } = allocation;
  const ports = Object.entries(granted.ports).map(([name, port]) => `${name} ${port}`);
  const amounts = [
    `${formatCpuMillis(granted.cpuMillis)} cpu`,
    `${formatMemoryMiB(granted.memoryMiB)} memory`,
    ...(granted.diskMiB > 0 ? [`${formatMemoryMiB(granted.diskMiB)} disk`] : []),
    ...(granted.networkMbps > 0 ? [`${formatNetworkMbps(granted.networkMbps)} network`] : []),
    ...granted.gpuUuids,
  ];
  printFields(context, [
    ["allocation", `${allocation.id}  ${allocation.workload}[${allocation.index}]`],
    ["attempt", `${allocation.attempt} of version ${allocation.workloadVersion}`],
    ["node", allocation.nodeName],
    ["status", `${allocation.status}, health ${allocation.health}`],
    ["reason", allocation.stopReason ?? allocation.message],
    ["ended", allocation.exit ? describeExit(allocation.exit) : null],
    ["granted", amounts.join(", ")],
    ["ports", ports.length === 0 ? null : ports.join(", ")],
    ["pid", allocation.pid === null ? null : String(allocation.pid)],
    ["placed", `${age(allocation.placedAtUnixMs, now)} ago`],
    [
      "started",
      allocation.startedAtUnixMs === null ? null : `${age(allocation.startedAtUnixMs, now)} ago`,
    ],
  ]);
  return exitCodes.done;
}

function printNode(context: Context, node: NodeDetail): ExitCode {
  if (context.isJson) {
    context.printJson(node);
    return exitCodes.done;
  }
  const { hardware, drivers, portRange } = node.description;
  const { cpu } = hardware;
  const labels = Object.entries(node.labels).map(([key, value]) => `${key}=${value}`);
  printFields(context, [
    ["node", `${node.name}  ${node.id}`],
    ["status", `${nodeStatusText(node)}, since ${age(node.statusSinceUnixMs, Date.now())}`],
    ["labels", labels.length === 0 ? null : labels.join(" ")],
    ...placementFields(node.description),
    ["cpu", `${cpu.model ?? "unknown model"}, ${cpu.threads} threads`],
    ["memory", formatMemoryMiB(hardware.memoryMiB)],
    [
      "gpus",
      hardware.gpus.length === 0 ? "none" : hardware.gpus.map(({ model }) => model).join(", "),
    ],
    ["health", unwellText(node.description)],
    ["system", `${hardware.operatingSystem}, kernel ${hardware.kernel}`],
    ["granted", grantedText(node)],
    ["drivers", drivers.map(driverText).join(", ")],
    ...drivers.flatMap(({ name, available, lacks = [] }) =>
      available ? lacks.map(({ what, reason }): Field => [`no ${what}`, `${name}: ${reason}`]) : [],
    ),
    ["ports", `${portRange.from}-${portRange.to}`],
  ]);
  printAllocations(context, node.allocationList);
  return exitCodes.done;
}

/** Devices that something speaks against; null for none. */
function unwellText({ hardware }: NodeDetail["description"]): string | null {
  const devices = [
    ...hardware.gpus.map(({ uuid, health }) => ({ name: uuid, health })),
    ...hardware.disks.map(({ device, health }) => ({ name: device, health })),
  ];
  const texts = devices.flatMap(({ name, health }) =>
    health && health.state !== "healthy" ? [`${name} is ${health.state}: ${health.reason}`] : [],
  );
  return texts.length === 0 ? null : texts.join("; ");
}

function driverText({ name, available, reason, engine, enforces }: DriverStatus): string {
  if (!available) return `${name} (${reason})`;
  if (engine === undefined) return name;
  return `${name} (${[engine, ...(enforces ?? [])].join(", ")})`;
}

/** What rules of placement ask of a node; what is not there is not shown. */
function placementFields({
  pool,
  taints = [],
  devices = {},
  storage = [],
  zones = [],
}: NodeDetail["description"]): Field[] {
  const lists: [string, string[]][] = [
    ["taints", taints.map(({ key, reason }) => (reason === null ? key : `${key} (${reason})`))],
    ["devices", Object.entries(devices).map(([name, count]) => `${count} ${name}`)],
    [
      "disks",
      storage.map(
        ({ mediaClass, diskMiB }) =>
          `${formatMemoryMiB(diskMiB)} ${mediaClass ?? "of unknown kind"}`,
      ),
    ],
    [
      "zones",
      zones.map(
        ({ id, cpuMillis, memoryMiB, gpuUuids }) =>
          `${id}: ${formatCpuMillis(cpuMillis)} cpu, ${formatMemoryMiB(memoryMiB)} memory` +
          (gpuUuids.length === 0 ? "" : `, ${counted(gpuUuids.length, "GPU")}`),
      ),
    ],
  ];
  return [
    ["pool", pool ?? null],
    ...lists.map(([name, parts]): [string, string | null] => [
      name,
      parts.length === 0 ? null : parts.join("; "),
    ]),
  ];
}

function grantedText({ granted, capacity, reserved, gpus }: NodeDetail): string {
  const cpu = `cpu ${formatCpuMillis(granted.cpuMillis)} of ${formatCpuMillis(capacity.cpuMillis - reserved.cpuMillis)}`;
  const memory = `memory ${formatMemoryMiB(granted.memoryMiB)} of ${formatMemoryMiB(capacity.memoryMiB - reserved.memoryMiB)}`;
  return `${cpu}, ${memory}, gpus ${gpus.granted} of ${gpus.total}`;
}

function printFields(context: Context, fields: Fields): void {
  const { out } = context.terminal;
  const width = Math.max(...fields.map(([name]) => name.length));
  for (const [name, text] of fields) {
    if (text !== null)
      context.print(`${out.paint("dim", name.padEnd(width))}  ${makeHarmless(text)}`);
  }
}

function printAllocations(context: Context, allocations: readonly AllocationView[]): void {
  if (allocations.length === 0) return;
  const { out } = context.terminal;
  const columns = allocationColumns(Date.now()).filter(
    ({ wide }) => !wide || context.format === "wide",
  );
  out.write(`\n${renderTable(out, columns, allocations)}`);
}

/** For reading and for pasting: quoted where a shell would want it. */
function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof BerthError && error.code === "not_found") return null;
    throw error;
  }
}
