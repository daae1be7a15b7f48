import { formatNetworkMbps, type NodeDescription } from "@berth/protocol";
import { counted, formatBytes } from "./format-values.ts";
import { makeHarmless } from "./harmless-text.ts";

type Hardware = NodeDescription["hardware"];

const BYTES_PER_MIB = 1_048_576;

export function sizeText(mib: number | null): string {
  return mib === null ? "unknown" : formatBytes(mib * BYTES_PER_MIB);
}

export function speedText(mbps: number | null): string {
  return mbps === null ? "unknown" : formatNetworkMbps(mbps);
}

interface Branch {
  readonly text: string;
  readonly leaves: readonly string[];
}

/** What lies near what: NUMA nodes with their processors, memory and devices, and what is near none. */
export function hardwareTree(hardware: Hardware): string[] {
  const branches = (hardware.numaNodes ?? []).map((node) => numaBranch(node, hardware));
  const elsewhere = devicesAt(null, hardware);
  if (elsewhere.length > 0) branches.push({ text: "near no NUMA node", leaves: elsewhere });
  return branches.flatMap(({ text, leaves }, at) => {
    const isLast = at === branches.length - 1;
    const trunk = isLast ? "   " : "│  ";
    return [
      `${isLast ? "└─" : "├─"} ${makeHarmless(text)}`,
      ...leaves.map(
        (leaf, index) =>
          `${trunk}${index === leaves.length - 1 ? "└─" : "├─"} ${makeHarmless(leaf)}`,
      ),
    ];
  });
}

function numaBranch(
  { id, cpus, threads, memoryMiB, distances }: NonNullable<Hardware["numaNodes"]>[number],
  hardware: Hardware,
): Branch {
  const processors = threads === 0 ? "no processors" : `cpus ${cpus}`;
  const far = distances.length > 1 ? `, distances ${distances.join(" ")}` : "";
  return {
    text: `NUMA ${id}: ${processors}, ${sizeText(memoryMiB)}${memoryMiB === null ? " memory" : ""}${far}`,
    leaves: devicesAt(id, hardware),
  };
}

/** A device whose place nobody told is near none. */
function devicesAt(node: number | null, hardware: Hardware): string[] {
  const isHere = ({ numaNode }: { readonly numaNode?: number | null | undefined }) =>
    (numaNode ?? null) === node;
  const { gpus, rdmaPorts = [], networkInterfaces, disks } = hardware;
  return [
    ...gpus.filter(isHere).map(({ uuid, model, slices = [] }) => {
      const parts = slices.length === 0 ? "" : `, ${counted(slices.length, "slice")}`;
      return `GPU ${uuid}  ${model}${parts}`;
    }),
    ...rdmaPorts
      .filter(isHere)
      .map(({ device, port, speedMbps }) => `RDMA ${device}/${port}  ${speedText(speedMbps)}`),
    ...networkInterfaces
      .filter(isHere)
      .map(({ name, speedMbps }) => `network ${name}  ${speedText(speedMbps)}`),
    ...disks.filter(isHere).map(({ device, sizeMiB, mediaClass }) => {
      return `disk ${device}  ${sizeText(sizeMiB)} ${mediaClass ?? "of unknown kind"}`;
    }),
  ];
}
