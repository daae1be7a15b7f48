import { createServer } from "node:net";
import { expect, test } from "vitest";
import { chooseEnginePorts, chooseRoutePorts } from "./choose-ports.ts";
import { freePort } from "./free-port.ts";

const AWAY_FROM_DEFAULTS = 15_000;

test("each of several servers gets a port, in a row from the one asked for", async () => {
  const asked = await freePort(AWAY_FROM_DEFAULTS);
  const ports = await chooseEnginePorts(3, asked, undefined, () => {});
  expect(ports[0]).toBe(asked);
  expect(new Set(ports).size).toBe(3);
});

test("servers come back to the ports they had, and one whose port is taken moves", async () => {
  const first = await freePort(AWAY_FROM_DEFAULTS + 200);
  const former = await chooseEnginePorts(3, first, undefined, () => {});
  const url = former.map((port) => `nats://127.0.0.1:${port}`).join(",");
  expect(await chooseEnginePorts(3, undefined, url, () => {})).toEqual(former);

  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(former[1], "127.0.0.1", resolve));
  try {
    const ports = await chooseEnginePorts(3, undefined, url, () => {});
    expect(ports[0]).toBe(former[0]);
    expect(ports[1]).not.toBe(former[1]);
    expect(new Set(ports).size).toBe(3);
  } finally {
    taken.close();
  }
});

test("the servers meet on ports of their own, all different", async () => {
  expect(new Set(await chooseRoutePorts(3)).size).toBe(3);
});
