import type { CpuCache, NodeDescription } from "@berth/protocol";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { counted, formatBytes } from "../output/format-values.ts";
import { hardwareTables } from "../output/hardware-tables.ts";
import { hardwareTree, sizeText } from "../output/hardware-tree.ts";
import { makeHarmless } from "../output/harmless-text.ts";

/** `berth node show --hardware`: what the node's agent found in its server when it last looked. */
export async function showHardware(context: Context, name: string): Promise<ExitCode> {
  const { description } = await context.client.call("node.get", { node: name });
  if (context.isJson) {
    const { nodeId, drivers, capabilities = [], hardware, zones = [], storage = [] } = description;
    const node = { id: nodeId, name: description.name };
    context.printJson({ node, drivers, capabilities, hardware, zones, storage });
    return exitCodes.done;
  }
  const isWide = context.format === "wide";
  for (const line of hardwareText(context, description, isWide)) context.terminal.out.write(line);
  return exitCodes.done;
}

function hardwareText({ terminal }: Context, description: NodeDescription, isWide: boolean) {
  const { out } = terminal;
  const facts = summary(description);
  const width = Math.max(...facts.map(([title]) => title.length));
  return [
    ...facts.map(
      ([title, text]) => `${out.paint("dim", title.padEnd(width))}  ${makeHarmless(text)}\n`,
    ),
    "\n",
    ...hardwareTree(description.hardware).map((line) => `${line}\n`),
    ...hardwareTables(out, description, isWide).map((table) => `\n${table}`),
  ];
}

function summary({ name, nodeId, hardware }: NodeDescription): [title: string, text: string][] {
  const { cpu, memoryMiB, swapMiB, vendor, product, operatingSystem, kernel } = hardware;
  const machine = [vendor, product].filter((part) => part !== null).join(" ");
  const parts = [
    cpu.model ?? "unknown model",
    cpu.sockets === null ? null : counted(cpu.sockets, "socket"),
    cpu.cores === null ? null : counted(cpu.cores, "core"),
    counted(cpu.threads, "thread"),
    cpu.maxMHz === null ? null : `up to ${(cpu.maxMHz / 1_000).toFixed(1)} GHz`,
    cpu.architecture,
  ];
  const omitted = Object.entries(hardware.omitted ?? {});
  return [
    ["node", `${name}  ${nodeId}`],
    ["machine", machine === "" ? "unknown" : machine],
    ["system", `${operatingSystem}, kernel ${kernel}`],
    ["cpu", parts.filter((part) => part !== null).join(", ")],
    ["caches", cpu.caches?.map(cacheText).join(", ") ?? "unknown"],
    [
      "memory",
      `${sizeText(memoryMiB)}, ${swapMiB === 0 ? "no swap" : `${sizeText(swapMiB)} swap`}`,
    ],
    ...(omitted.length === 0
      ? []
      : [
          ["left out", omitted.map(([list, count]) => `${count} of ${list}`).join(", ")] as [
            string,
            string,
          ],
        ]),
  ];
}

const BYTES_PER_KIB = 1_024;
const KINDS = { data: "d", instruction: "i", unified: "" } as const;

/** `128 × L1d 32 KiB` */
function cacheText({ level, kind, sizeKiB, count }: CpuCache): string {
  return `${count} × L${level}${KINDS[kind]} ${formatBytes(sizeKiB * BYTES_PER_KIB)}`;
}
