import { randomInt } from "node:crypto";
import { BerthError } from "@berth/protocol";
import { freePort, isFree } from "./free-port.ts";

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

const CONSOLE_PORT = 7480;
const NATS_PORT = 7422;
/** Where the servers of a cluster meet each other. */
const ROUTE_PORT = 7522;
/** Several clusters on one machine: each takes its own part of the range, or they would collide. */
const TASK_PORTS: PortRange = { from: 20_000, to: 31_999 };
const TASK_PORTS_EACH = 500;

type Say = (line: string) => void;

export function chooseConsolePort(
  asked: number | undefined,
  former: number | undefined,
  say: Say,
): Promise<number> {
  return choosePort({ option: "--port", asked, former, usual: CONSOLE_PORT, say });
}

/** One for each server of the engine: those of `formerUrl` where they are still free. */
export async function chooseEnginePorts(
  count: number,
  asked: number | undefined,
  formerUrl: string | undefined,
  say: Say,
): Promise<number[]> {
  const former = formerUrl?.split(",").map((url) => Number(new URL(url).port)) ?? [];
  const wish = { option: "--nats-port", asked, usual: NATS_PORT, say };
  const ports = [await choosePort({ ...wish, former: former[0] })];
  for (let index = 1; index < count; index += 1) {
    const before = former[index];
    const isKept = asked === undefined && before !== undefined && (await isFree(before));
    ports.push(isKept ? before : await freePort(Math.max(...ports, ...former) + 1));
  }
  return ports;
}

/** Only the servers themselves need to know them, so they are chosen anew at each start. */
export async function chooseRoutePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort((ports.at(-1) ?? ROUTE_PORT - 1) + 1));
  return ports;
}

export function chooseTaskPorts(): PortRange {
  const blocks = Math.floor((TASK_PORTS.to - TASK_PORTS.from + 1) / TASK_PORTS_EACH);
  const from = TASK_PORTS.from + randomInt(blocks) * TASK_PORTS_EACH;
  return { from, to: from + TASK_PORTS_EACH - 1 };
}

interface PortWish {
  readonly option: string;
  readonly asked: number | undefined;
  readonly former: number | undefined;
  readonly usual: number;
  readonly say: Say;
}

/** A port that was asked for is a wish to be met; one that was not may be any. */
async function choosePort({ option, asked, former, usual, say }: PortWish): Promise<number> {
  if (asked !== undefined) {
    if (await isFree(asked)) return asked;
    throw new BerthError("conflict", `port ${asked} is taken`, {
      hint: `Choose another one with ${option}, or leave it out to take a free one.`,
    });
  }
  if (former !== undefined && (await isFree(former))) return former;
  const port = await freePort(usual);
  if (port !== usual && former === undefined) say(`Port ${usual} is taken; using ${port}.`);
  return port;
}
