import type { Capability, DeviceHealth, NodeDescription } from "@berth/protocol";
import { sizeText, speedText } from "./hardware-tree.ts";
import { type Column, renderTable } from "./table.ts";
import type { Style, TextStream } from "./terminal.ts";

type Hardware = NodeDescription["hardware"];
type Gpu = Hardware["gpus"][number];
type Health = DeviceHealth | null | undefined;

/** A table for each kind of thing that the server has; what it has none of is left out. */
export function hardwareTables(
  stream: TextStream,
  { hardware, capabilities = [] }: NodeDescription,
  isWide: boolean,
): string[] {
  const { gpus, disks, fileSystems, networkInterfaces, rdmaPorts = [] } = hardware;
  const tableOf = <Row>(columns: readonly Column<Row>[], rows: readonly Row[]) => {
    const shown = columns.filter(({ wide }) => !wide || isWide);
    return rows.length === 0 ? "" : renderTable(stream, shown, rows);
  };
  const tables = [
    tableOf(gpuColumns, gpus),
    linkTable(stream, gpus),
    tableOf(sliceColumns, gpus.flatMap(slicesOf)),
    tableOf(diskColumns, disks),
    tableOf(fileSystemColumns, fileSystems),
    tableOf(interfaceColumns, networkInterfaces),
    tableOf(rdmaColumns, rdmaPorts),
    tableOf(capabilityColumns, capabilities),
  ];
  return tables.filter((table) => table !== "");
}

function healthColumn<Row>(of: (row: Row) => Health): Column<Row> {
  return {
    title: "HEALTH",
    value: (row) => {
      const health = of(row);
      if (!health) return "unknown";
      return health.reason === null ? health.state : `${health.state}: ${health.reason}`;
    },
    style: (row) => healthStyle(of(row)),
  };
}

function healthStyle(health: Health): Style | null {
  switch (health?.state) {
    case "healthy":
      return "green";
    case "degraded":
      return "yellow";
    case "unhealthy":
      return "red";
    case undefined:
      return "dim";
  }
}

const gpuColumns: readonly Column<Gpu>[] = [
  { title: "GPU", value: ({ uuid }) => uuid },
  { title: "MODEL", value: ({ model }) => model },
  { title: "MEMORY", value: ({ memoryMiB }) => sizeText(memoryMiB), align: "right" },
  { title: "PCI", value: ({ pciAddress }) => pciAddress ?? "unknown" },
  { title: "NUMA", value: ({ numaNode }) => String(numaNode ?? "-"), align: "right" },
  { title: "DRIVER", value: ({ driverVersion }) => driverVersion ?? "unknown" },
  { title: "ECC", value: ({ hasEcc }) => yesNo(hasEcc) },
  { title: "MIG", value: ({ isPartitioned }) => yesNo(isPartitioned) },
  { title: "NEAR RDMA", value: ({ nearRdma = [] }) => nearRdma.join(" ") || "-", wide: true },
  healthColumn(({ health }) => health),
];

/** How each device is connected to each other, by position. */
function linkTable(stream: TextStream, gpus: readonly Gpu[]): string {
  const known = gpus.filter(({ links }) => links !== undefined);
  if (known.length < 2) return "";
  const columns: Column<Gpu>[] = [
    { title: "LINKS", value: ({ uuid }) => uuid },
    ...gpus.map(
      (other, at): Column<Gpu> => ({
        title: `GPU ${at}`,
        value: ({ uuid, links }) => (uuid === other.uuid ? "-" : (links?.[at] ?? "?")),
      }),
    ),
  ];
  return renderTable(stream, columns, known);
}

interface Slice {
  readonly gpu: Gpu;
  readonly slice: NonNullable<Gpu["slices"]>[number];
}

function slicesOf(gpu: Gpu): Slice[] {
  return (gpu.slices ?? []).map((slice) => ({ gpu, slice }));
}

const sliceColumns: readonly Column<Slice>[] = [
  { title: "SLICE", value: ({ slice }) => slice.uuid },
  { title: "PROFILE", value: ({ slice }) => slice.profile },
  { title: "MEMORY", value: ({ slice }) => sizeText(slice.memoryMiB), align: "right" },
  { title: "OF", value: ({ gpu }) => gpu.uuid },
];

const diskColumns: readonly Column<Hardware["disks"][number]>[] = [
  { title: "DISK", value: ({ id }) => id },
  { title: "DEVICE", value: ({ device }) => device },
  { title: "CLASS", value: ({ mediaClass }) => mediaClass ?? "unknown" },
  { title: "SIZE", value: ({ sizeMiB }) => sizeText(sizeMiB), align: "right" },
  { title: "MODEL", value: ({ model }) => model ?? "unknown" },
  { title: "SERIAL", value: ({ serial }) => serial ?? "unknown", wide: true },
  healthColumn(({ health }) => health),
];

const fileSystemColumns: readonly Column<Hardware["fileSystems"][number]>[] = [
  { title: "FILE SYSTEM", value: ({ mount }) => mount },
  { title: "TYPE", value: ({ type }) => type },
  { title: "DEVICE", value: ({ device }) => device },
  { title: "SIZE", value: ({ sizeMiB }) => sizeText(sizeMiB), align: "right" },
  { title: "STATE", value: ({ isReadOnly }) => (isReadOnly ? "read-only" : "writable") },
];

const interfaceColumns: readonly Column<Hardware["networkInterfaces"][number]>[] = [
  { title: "INTERFACE", value: ({ name }) => name },
  {
    title: "SPEED",
    value: ({ speedMbps, isSpeedDeclared }) =>
      `${speedText(speedMbps)}${isSpeedDeclared ? " (declared)" : ""}`,
    align: "right",
  },
  { title: "LINK", value: ({ up }) => (up ? "up" : "down") },
  { title: "DRIVER", value: ({ driver }) => driver ?? "unknown" },
  { title: "NUMA", value: ({ numaNode }) => String(numaNode ?? "-"), align: "right" },
  { title: "ADDRESSES", value: ({ addresses }) => addresses.join(" ") || "-" },
];

const rdmaColumns: readonly Column<NonNullable<Hardware["rdmaPorts"]>[number]>[] = [
  { title: "RDMA", value: ({ device, port }) => `${device}/${port}` },
  { title: "LAYER", value: ({ linkLayer }) => linkLayer ?? "unknown" },
  { title: "SPEED", value: ({ speedMbps }) => speedText(speedMbps), align: "right" },
  { title: "LINK", value: ({ up }) => (up ? "up" : "down") },
  { title: "INTERFACE", value: ({ networkInterface }) => networkInterface ?? "-" },
  { title: "NUMA", value: ({ numaNode }) => String(numaNode ?? "-"), align: "right" },
];

const capabilityColumns: readonly Column<Capability>[] = [
  { title: "CAPABILITY", value: ({ name }) => name },
  {
    title: "AVAILABLE",
    value: ({ available }) => (available ? "yes" : "no"),
    style: ({ available }) => (available ? "green" : "yellow"),
  },
  { title: "", value: ({ reason, detail }) => reason ?? detail ?? "" },
];

function yesNo(value: boolean | null | undefined): string {
  return value === undefined || value === null ? "-" : value ? "yes" : "no";
}
