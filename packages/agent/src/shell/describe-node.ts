import { createHash } from "node:crypto";
import { hostname } from "node:os";
import {
  type Capability,
  type DeviceHealth,
  type DriverStatus,
  type Hardware,
  type MediaClass,
  type NodeDescription,
  type NodeId,
  NodeName,
} from "@berth/protocol";
import { type AgentOptions, DEFAULT_PORT_RANGE } from "../agent-options.ts";
import { capacityOf, defaultReserved } from "../core/node-capacity.ts";
import { boundDescription } from "../core/hardware/bound-description.ts";
import { zonesOf } from "../core/numa-zones.ts";
import { AGENT_VERSION } from "../version.ts";

/** The operator's name for the node, or the host's, made to fit. */
export function nodeNameOf(options: AgentOptions): NodeName {
  if (options.nodeName !== undefined) return NodeName.parse(options.nodeName);
  const name = hostname()
    .replaceAll(/[^-A-Za-z0-9_.]/g, "-")
    .replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
  return NodeName.parse(name === "" ? "node" : name);
}

export interface DescribedBy {
  readonly options: AgentOptions;
  readonly nodeId: NodeId;
  readonly bootId: string;
  /** Of the file system of the state folder, measured once: what tasks write changes it. */
  readonly diskMiB: number;
  /** What the disk of that file system is made of; null where that is not known. */
  readonly mediaClass: MediaClass | null;
  readonly capabilities: readonly Capability[];
  readonly drivers: readonly DriverStatus[];
}

/** A plain child process: there is nothing that it could lack. */
export const PROCESS_DRIVER: DriverStatus = { name: "process", available: true, reason: null };

/** What was found that may change while the agent runs. */
export interface Found {
  readonly hardware: Hardware;
  /** Of the disks that the state folder lies on; null where nobody can tell. */
  readonly diskHealth: DeviceHealth | null;
}

export function describeNode(found: Found, by: DescribedBy): NodeDescription {
  const { options, nodeId, bootId, diskMiB, mediaClass, capabilities } = by;
  const { diskHealth } = found;
  const hardware = withDeclaredSpeeds(found.hardware, options.interfaceMbps ?? {});
  const capacity = capacityOf(hardware, diskMiB, options.networkMbps ?? null);
  const reserved = { ...defaultReserved(capacity), ...options.reserved };
  const { numaNodes = [], gpus } = hardware;
  const zones = zonesOf(numaNodes, gpus, capacity, reserved);
  const isDiskKnown = mediaClass !== null || diskHealth !== null;
  const health = diskHealth === null ? {} : { health: diskHealth };
  return boundDescription({
    nodeId,
    name: nodeNameOf(options),
    bootId,
    agentVersion: AGENT_VERSION,
    labels: { ...options.labels },
    meta: { ...options.meta },
    capacity,
    reserved,
    portRange: options.portRange ?? DEFAULT_PORT_RANGE,
    capabilities: [...capabilities],
    drivers: [...by.drivers],
    hardware,
    ...declared(options),
    ...(zones === null ? {} : { zones }),
    ...(isDiskKnown ? { storage: [{ mediaClass, diskMiB, ...health }] } : {}),
  });
}

/** What an operator says of an interface counts where its driver does not say. */
function withDeclaredSpeeds(
  hardware: Hardware,
  declared: Readonly<Record<string, number>>,
): Hardware {
  const networkInterfaces = hardware.networkInterfaces.map((each) => {
    const speedMbps = each.speedMbps === null ? declared[each.name] : undefined;
    return speedMbps === undefined ? each : { ...each, speedMbps, isSpeedDeclared: true };
  });
  return { ...hardware, networkInterfaces };
}

/** What the operator says of the node; nothing said is nothing there. */
function declared(options: AgentOptions): Pick<NodeDescription, "pool" | "taints" | "devices"> {
  const { pool, taints = [], devices = {} } = options;
  return {
    ...(pool === undefined ? {} : { pool }),
    ...(taints.length === 0 ? {} : { taints: [...taints] }),
    ...(Object.keys(devices).length === 0 ? {} : { devices: { ...devices } }),
  };
}

/** Differs when the node does. What is written to its disks all the time does not count. */
export function fingerprint(description: NodeDescription): string {
  const fileSystems = description.hardware.fileSystems.map((each) => ({
    ...each,
    availableMiB: 0,
  }));
  const stable = { ...description, hardware: { ...description.hardware, fileSystems } };
  return createHash("sha256").update(JSON.stringify(stable)).digest("hex");
}
