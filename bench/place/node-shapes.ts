import type { NodeDescription, NodeId, NodeName } from "@berth/protocol";

/** Servers of a rack; small clusters have smaller racks, so that they have every kind of node too. */
const NODES_PER_RACK_MAX = 40;
const RACKS_MIN = 12;
const ZONES = 4;

/** A generation of servers: what differs between the nodes of a cluster. */
export interface Shape {
  readonly model: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly disk: "nvme" | "ssd";
  readonly networkGbps: number;
  readonly gpuModel?: string;
  readonly gpuMemoryGiB?: number;
  readonly gpuCount?: number;
}

/** Three generations of servers without GPUs. */
export const serverShapes: readonly Shape[] = [
  {
    model: "AMD EPYC 7543",
    cores: 64,
    memoryGiB: 256,
    kernel: "5.15.0-91-generic",
    disk: "ssd",
    networkGbps: 10,
  },
  {
    model: "AMD EPYC 9354",
    cores: 64,
    memoryGiB: 384,
    kernel: "6.1.0-18-amd64",
    disk: "nvme",
    networkGbps: 25,
  },
  {
    model: "Intel Xeon 8480+",
    cores: 112,
    memoryGiB: 512,
    kernel: "6.8.0-31-generic",
    disk: "nvme",
    networkGbps: 100,
  },
];

/** Servers with GPUs: for training, for inference, and older ones for either. */
export const gpuShapes: readonly Shape[] = [
  {
    model: "Intel Xeon 8480+",
    cores: 192,
    memoryGiB: 2_048,
    kernel: "6.8.0-31-generic",
    disk: "nvme",
    networkGbps: 400,
    gpuModel: "NVIDIA H100 80GB HBM3",
    gpuMemoryGiB: 80,
    gpuCount: 8,
  },
  {
    model: "AMD EPYC 7763",
    cores: 128,
    memoryGiB: 1_024,
    kernel: "6.1.0-18-amd64",
    disk: "nvme",
    networkGbps: 100,
    gpuModel: "NVIDIA A100-SXM4-40GB",
    gpuMemoryGiB: 40,
    gpuCount: 8,
  },
  {
    model: "AMD EPYC 9354",
    cores: 64,
    memoryGiB: 512,
    kernel: "6.1.0-18-amd64",
    disk: "nvme",
    networkGbps: 25,
    gpuModel: "NVIDIA L4",
    gpuMemoryGiB: 24,
    gpuCount: 4,
  },
];

/** Nodes of a cluster of `nodeCount`, whose racks take turns at being of each shape; then `more` alike. */
export function createNodes(
  nodeCount: number,
  shapes: readonly Shape[],
  more = 0,
): NodeDescription[] {
  const perRack = Math.min(NODES_PER_RACK_MAX, Math.ceil(nodeCount / RACKS_MIN));
  return Array.from({ length: nodeCount + more }, (_, n) => createNode(n, perRack, shapes));
}

function createNode(n: number, perRack: number, shapes: readonly Shape[]): NodeDescription {
  const rack = Math.floor(n / perRack);
  const shape = shapes[rack % shapes.length];
  if (shape === undefined) throw new RangeError("a cluster needs a shape of node");
  const name = `r${rack}-s${n % perRack}` as NodeName;
  return {
    nodeId: nodeIdOf(n),
    name,
    bootId: `boot-${n}`,
    agentVersion: "0.1.0",
    labels: {
      rack: `r${rack}`,
      zone: `z${Math.floor(rack / shapes.length) % ZONES}`,
      disk: shape.disk,
      tier: n % 10 === 0 ? "spare" : "main",
    },
    meta: {},
    capacity: {
      cpuMillis: shape.cores * 1_000,
      memoryMiB: shape.memoryGiB * 1_024,
      diskMiB: 4 * 1_024 * 1_024,
      networkMbps: shape.networkGbps * 1_000,
    },
    reserved: { cpuMillis: 1_000, memoryMiB: 2_048, diskMiB: 20_480, networkMbps: null },
    portRange: { from: 20_000, to: 32_000 },
    drivers: [{ name: "process", available: true, reason: null }],
    hardware: hardwareOf(n, name, shape),
  };
}

function hardwareOf(n: number, hostName: string, shape: Shape): NodeDescription["hardware"] {
  const { model, cores, memoryGiB, kernel, gpuModel = "", gpuMemoryGiB = 0, gpuCount = 0 } = shape;
  return {
    cpu: { model, architecture: "x64", sockets: 2, cores: cores / 2, threads: cores, maxMHz: null },
    memoryMiB: memoryGiB * 1_024,
    swapMiB: 0,
    disks: [],
    fileSystems: [],
    networkInterfaces: [],
    gpus: Array.from({ length: gpuCount }, (_, index) => ({
      uuid: `GPU-${n}-${index}`,
      model: gpuModel,
      memoryMiB: gpuMemoryGiB * 1_024,
      driverVersion: "550.54.15",
      pciAddress: null,
    })),
    kernel,
    operatingSystem: "Debian GNU/Linux 12",
    hostName,
    vendor: null,
    product: null,
  };
}

/** Ids in no order of the nodes' numbers, as those of real keys are. */
function nodeIdOf(n: number): NodeId {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  let id = "U";
  let mixed = Math.imul(n + 1, 0x9e37_79b1) >>> 0;
  for (let at = 0; at < 7; at += 1) {
    id += digits.charAt(mixed & 31);
    mixed >>>= 5;
  }
  return id.padEnd(56, "A") as NodeId;
}
