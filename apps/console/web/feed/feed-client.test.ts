import { describe, expect, it } from "vitest";
import { feedCloseCodes, type FeedFrame } from "@berth/protocol";
import { virtualClock } from "@berth/runtime/memory";
import type { Link } from "../model/freshness.ts";
import { FeedClient, type FeedListener, type FeedSocket } from "./feed-client.ts";

class FakeSocket implements FeedSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly sent: unknown[] = [];
  isClosed = false;

  send(data: string): void {
    this.sent.push(JSON.parse(data));
  }

  close(): void {
    this.isClosed = true;
  }

  receive(frame: Partial<FeedFrame> | string): void {
    this.onmessage?.({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
  }
}

const pulse = {
  type: "pulse",
  epoch: "e",
  seq: 5,
  upstream: { status: "live", sinceMs: 0 },
} as const;

function start() {
  const clock = virtualClock();
  const sockets: FakeSocket[] = [];
  const links: Link["phase"][] = [];
  const state = { have: null as ReturnType<FeedListener["have"]>, accepts: true, outdated: false };
  const client = new FeedClient(
    {
      openSocket() {
        const socket = new FakeSocket();
        sockets.push(socket);
        return socket;
      },
      nowMs: () => clock.monotonicMs(),
      after(delayMs, run) {
        const timer = clock.after(delayMs, run);
        return () => timer.cancel();
      },
      random: () => 0,
    },
    {
      have: () => state.have,
      onFrame: () => state.accepts,
      onLink: (link) => void links.push(link.phase),
      onOutdated: () => void (state.outdated = true),
    },
  );
  client.start();
  const last = () => {
    const socket = sockets.at(-1);
    if (socket === undefined) throw new Error("no socket was opened");
    return socket;
  };
  return { clock, client, sockets, links, state, last };
}

describe("the page's line to the gateway", () => {
  it("says what it holds, and acknowledges each pulse", () => {
    const { last, state, links } = start();
    state.have = { epoch: "e", seq: 4 };
    last().onopen?.();
    last().receive(pulse);
    expect(last().sent).toEqual([
      { type: "hello", v: 1, have: { epoch: "e", seq: 4 } },
      { type: "ack", seq: 4 },
    ]);
    expect(links).toEqual(["connecting", "open"]);
  });

  it("dials again when it is closed, after a wait, and goes on from where it was", () => {
    const { last, sockets, state, clock } = start();
    last().onopen?.();
    last().receive(pulse);
    state.have = { epoch: "e", seq: 9 };
    last().onclose?.({ code: 1006 });
    expect(sockets).toHaveLength(1);
    clock.advance(500);
    expect(sockets).toHaveLength(2);
    last().onopen?.();
    expect(last().sent).toEqual([{ type: "hello", v: 1, have: { epoch: "e", seq: 9 } }]);
  });

  it("waits longer each time in vain, and shortly again once it was connected", () => {
    const { last, links, sockets, clock } = start();
    for (const waitMs of [500, 500, 1_000, 2_000]) {
      last().onclose?.({ code: 1006 });
      const before = sockets.length;
      clock.advance(waitMs - 1);
      expect(sockets).toHaveLength(before);
      clock.advance(1);
      expect(sockets).toHaveLength(before + 1);
    }
    last().receive(pulse);
    last().onclose?.({ code: 1006 });
    clock.advance(500);
    expect(links.at(-1)).toBe("connecting");
  });

  it("asks for a snapshot after a gap", () => {
    const { last, state, clock } = start();
    state.have = { epoch: "e", seq: 9 };
    last().onopen?.();
    state.accepts = false;
    last().receive({ type: "delta" });
    expect(last().isClosed).toBe(true);
    clock.advance(500);
    last().onopen?.();
    expect(last().sent).toEqual([{ type: "hello", v: 1, have: null }]);
  });

  it("takes silence for a dead line, whatever the browser thinks", () => {
    const { last, sockets, clock } = start();
    last().onopen?.();
    clock.advance(6_500);
    expect(sockets).toHaveLength(2);
  });

  it("dials at once when someone looks at it again", () => {
    const { client, last, sockets } = start();
    last().onclose?.({ code: 1006 });
    client.hurry();
    client.hurry();
    expect(sockets).toHaveLength(2);
  });

  it("notices that the gateway is of another version", () => {
    const { last, state } = start();
    last().onclose?.({ code: feedCloseCodes.version });
    expect(state.outdated).toBe(true);
  });

  it("does not fall over what is not a frame", () => {
    const { last, sockets, clock } = start();
    last().onopen?.();
    last().receive("{");
    clock.advance(500);
    expect(sockets).toHaveLength(2);
  });

  it("dials no more once stopped", () => {
    const { client, last, sockets, clock } = start();
    last().onclose?.({ code: 1006 });
    client.stop();
    clock.advance(60_000);
    expect(sockets).toHaveLength(1);
  });
});
