import type { NodeDescription, NodeId, NodeName } from "@berth/protocol";

const LETTERS = "ABCDEFGHIJ";

/** A small server; every third one has two GPUs, and ports are few, so that they are contended. */
export function describeSimulatedNode(number: number): NodeDescription {
  const name = `node-${number + 1}`;
  const suffix = String(number)
    .padStart(6, "0")
    .replace(/\d/g, (digit) => LETTERS[Number(digit)] ?? "A");
  const gpus = number % 3 === 0 ? 2 : 0;
  return {
    nodeId: `U${"A".repeat(49)}${suffix}` as NodeId,
    name: name as NodeName,
    bootId: "",
    agentVersion: "simulated",
    labels: { rack: `r${number % 2}` },
    meta: {},
    capacity: { cpuMillis: 4_000, memoryMiB: 8_192, diskMiB: 10_240, networkMbps: 1_000 },
    reserved: { cpuMillis: 200, memoryMiB: 512, diskMiB: 1_024, networkMbps: null },
    portRange: { from: 20_000, to: 20_007 },
    drivers: [{ name: "process", available: true, reason: null }],
    hardware: {
      cpu: {
        model: "simulated",
        architecture: "x64",
        sockets: 1,
        cores: 4,
        threads: 4,
        maxMHz: null,
      },
      memoryMiB: 8_192,
      swapMiB: 0,
      disks: [],
      fileSystems: [],
      networkInterfaces: [],
      gpus: Array.from({ length: gpus }, (_unused, index) => ({
        uuid: `GPU-${number}-${index}`,
        model: "H100",
        memoryMiB: 81_920,
        driverVersion: null,
        pciAddress: null,
      })),
      kernel: "simulated",
      operatingSystem: "simulated",
      hostName: name,
      vendor: null,
      product: null,
    },
  };
}
