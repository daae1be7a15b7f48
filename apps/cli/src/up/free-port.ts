import { createServer } from "node:net";
import { BerthError } from "@berth/protocol";

const TRIED_MAX = 100;
const LOOPBACK = "127.0.0.1";

/** The wanted port of loopback, or the next free one above it. */
export async function freePort(wanted: number): Promise<number> {
  for (let port = wanted; port < Math.min(wanted + TRIED_MAX, 65_536); port += 1) {
    if (await isFree(port)) return port;
  }
  throw new BerthError("conflict", `ports ${wanted} to ${wanted + TRIED_MAX - 1} are all taken`);
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ host: LOOPBACK, port, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
