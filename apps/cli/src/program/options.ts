import {
  DEVICE_NAME,
  DEVICE_NAME_HELP,
  DEVICES_MAX,
  limits,
  type Parsed,
  parseCpuMillis,
  parseDurationMs,
  parseMemoryMiB,
  parseNetworkMbps,
} from "@berth/protocol";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { QuotaOption } from "../commands/project.ts";
import type { Moment } from "../commands/reservation.ts";
import type { Context } from "../context.ts";
import type { ExitCode } from "../exit-codes.ts";

/** Runs the body of a command with its context; the exit code it returns is the process's. */
export type Run = (
  command: Command,
  body: (context: Context) => Promise<ExitCode>,
) => Promise<void>;

/** What `berth ls` lists. */
export const listKinds = ["workloads", "allocations", "nodes"] as const;
export type ListKind = (typeof listKinds)[number];

/** Parsers for commander: what is wrong goes into the usage message. */
export const duration = quantity(parseDurationMs);
export const cores = quantity(parseCpuMillis);
export const memory = quantity(parseMemoryMiB);
export const bandwidth = quantity(parseNetworkMbps);

function quantity(parse: (text: string) => Parsed<number>): (text: string) => number {
  return (text) => {
    const parsed = parse(text);
    if (!parsed.ok) throw new InvalidArgumentError(`${parsed.message}.`);
    return parsed.value;
  };
}

/** How many moves one rebalancing may make. */
export function moveCount(text: string): number {
  const moves = wholeNumber(text);
  if (moves >= 1 && moves <= limits.rebalanceMovesMax) return moves;
  throw new InvalidArgumentError(`Write a number from 1 to ${limits.rebalanceMovesMax}.`);
}

/** How many nodes are imagined. */
export function nodeCount(text: string): number {
  const nodes = wholeNumber(text);
  if (nodes >= 1 && nodes <= limits.whatIfNodesMax) return nodes;
  throw new InvalidArgumentError(`Write a number from 1 to ${limits.whatIfNodesMax}.`);
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("Write a whole number.");
  return Number(text);
}

export function portNumber(text: string): number {
  const port = wholeNumber(text);
  if (port < 1 || port > 65_535) throw new InvalidArgumentError("A port is 1 to 65535.");
  return port;
}

/** How many servers keep the log: an even number or two of them would tolerate nothing more. */
export function replicaCount(text: string): 1 | 3 {
  if (text === "1") return 1;
  if (text === "3") return 3;
  throw new InvalidArgumentError("The log is kept by 1 server or by 3.");
}

export function portRange(text: string): { from: number; to: number } {
  const [from, to, ...rest] = text.split("-").map(portNumber);
  if (from === undefined || to === undefined || rest.length > 0 || from > to) {
    throw new InvalidArgumentError("Write a range of ports, such as 20000-20999.");
  }
  return { from, to };
}

/** `key=value`, collected over repetitions. */
export function keyValue(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("Write key=value.");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** `cpu=4,memory=1TiB,gpu=none`, collected over repetitions; the cluster reads the amounts. */
export function quotaAmounts(text: string, before: QuotaOption = {}): QuotaOption {
  const amounts = { ...before };
  for (const part of text.split(",")) {
    const [field = "", amount = "", ...rest] = part.split("=").map((word) => word.trim());
    if (!["cpu", "memory", "gpu"].includes(field) || amount === "" || rest.length > 0) {
      throw new InvalidArgumentError("Write amounts such as cpu=4,memory=1TiB,gpu=8 or gpu=none.");
    }
    // JSON would make null of what is not a number, and null takes a limit away.
    if (amount === "none") amounts[field] = null;
    else if (field !== "gpu") amounts[field] = amount;
    else if (/^\d+(\.\d+)?$/.test(amount)) amounts[field] = Number(amount);
    else throw new InvalidArgumentError("Write GPUs as a number, such as gpu=8 or gpu=0.5.");
  }
  return amounts;
}

/** `2027-03-01T08:00` in local time or with a zone, `+2h`, or `now`. */
export function moment(text: string): Moment {
  if (text === "now") return { inMs: 0 };
  if (text.startsWith("+")) return { inMs: duration(text.slice(1)) };
  const atUnixMs = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atUnixMs)) {
    throw new InvalidArgumentError("Write a moment such as 2027-03-01T08:00, +2h or now.");
  }
  return { atUnixMs };
}

/** `key` or `key=reason`, collected; the agent reads them. */
export function taint(text: string, before: readonly string[] = []): readonly string[] {
  if (/^(=|\*|$)/.test(text)) throw new InvalidArgumentError("Write KEY or KEY=reason.");
  return [...before, text];
}

/** `name=count`, collected; the agent reads them. */
export function device(text: string, before: readonly string[] = []): readonly string[] {
  const [, name = "", count = ""] = /^([^=]*)=(\d{1,7})$/.exec(text) ?? [];
  if (!DEVICE_NAME.test(name) || Number(count) > DEVICES_MAX) {
    throw new InvalidArgumentError(
      `Write NAME=COUNT, such as fpga=2; a name has ${DEVICE_NAME_HELP}.`,
    );
  }
  return [...before, text];
}

/** `name=Mbit/s`, collected; the agent reads them. */
export function interfaceSpeed(text: string, before: readonly string[] = []): readonly string[] {
  if (!/^[^=/\s]+=[1-9]\d{0,7}$/.test(text)) {
    throw new InvalidArgumentError("Write NAME=MBPS, such as eth0=10000.");
  }
  return [...before, text];
}

/** What an operator declares of a node. */
export interface NodeFlags {
  readonly label?: Readonly<Record<string, string>>;
  readonly pool?: string;
  readonly taint?: readonly string[];
  readonly device?: readonly string[];
  readonly interfaceMbps?: readonly string[];
}

export function addNodeOptions(command: Command): Command {
  return command
    .option("--label <key=value>", "for constraints: node.labels.<key>", keyValue)
    .option("--pool <name>", "the pool of nodes it belongs to (default: default)")
    .option("--taint <key[=reason]>", "keep off what does not tolerate the key", taint)
    .option("--device <name=count>", "counted devices, such as fpga=2", device)
    .option(
      "--interface-mbps <name=mbps>",
      "what an interface carries whose driver does not say, such as eth0=10000",
      interfaceSpeed,
    );
}

/** For commands that read: with the sequence that a write printed, it is seen for sure. */
export function atLeast(): Option {
  return new Option("--at-least <seq>", "read from this sequence of the log or later").argParser(
    wholeNumber,
  );
}

export function examples(lines: string): string {
  return `\nExamples:\n${lines
    .trim()
    .split("\n")
    .map((line) => `  ${line.trim()}`)
    .join("\n")}`;
}
