/** How devices are connected, by the numbers that the tool gives them. */
export interface NvidiaTopology {
  /** `links.get(0)?.get(1)`: how GPU 0 is connected to GPU 1, such as `NV18`. */
  readonly links: ReadonlyMap<number, ReadonlyMap<number, string>>;
  /** The RDMA devices that no more than PCIe switches lie between, nearest first. */
  readonly nearRdma: ReadonlyMap<number, readonly string[]>;
}

/** Words for paths that do not leave the PCIe switches, nearest first. */
const NEAR = ["PIX", "PXB"] as const;

/**
 * The matrix of `nvidia-smi topo -m`. Its header may be underlined by escape sequences, its cells are
 * parted by tabs, newer drivers call adapters `NIC0` and explain them in a legend.
 */
export function parseNvidiaTopology(text: string): NvidiaTopology {
  const lines = text.replaceAll(/\u001b\[[0-9;]*m/g, "").split("\n");
  const names = new Map(
    lines.flatMap((line) => {
      const [, nic, device] = /^\s+(NIC\d+): (\S+)/.exec(line) ?? [];
      return nic === undefined || device === undefined ? [] : [[nic, device] as const];
    }),
  );
  const head = lines.find((line) => /^\s+GPU0\b/.test(line));
  const titles = (head ?? "").split("\t").map((title) => title.trim());
  const links = new Map<number, ReadonlyMap<number, string>>();
  const nearRdma = new Map<number, readonly string[]>();
  for (const line of lines) {
    const [title = "", ...cells] = line.split("\t").map((cell) => cell.trim());
    const number = gpuNumber(title);
    if (number === null || line === head) continue;
    const row = titles.slice(1).map((column, at) => ({ column, how: cells[at] ?? "" }));
    links.set(number, linksOf(row));
    nearRdma.set(number, nearOf(row, names));
  }
  return { links, nearRdma };
}

type Row = readonly { readonly column: string; readonly how: string }[];

function linksOf(row: Row): ReadonlyMap<number, string> {
  return new Map(
    row.flatMap(({ column, how }) => {
      const other = gpuNumber(column);
      return other === null || how === "" || how === "X" ? [] : [[other, how] as const];
    }),
  );
}

function nearOf(row: Row, names: ReadonlyMap<string, string>): readonly string[] {
  return NEAR.flatMap((word) =>
    row.flatMap(({ column, how }) => {
      const device = names.get(column) ?? (/^mlx|^hfi|^bnxt|^irdma/.test(column) ? column : null);
      return how === word && device !== null ? [device] : [];
    }),
  );
}

function gpuNumber(title: string): number | null {
  const number = /^GPU(\d+)$/.exec(title)?.[1];
  return number === undefined ? null : Number(number);
}
