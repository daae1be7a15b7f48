import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import type { WebSocket } from "ws";
import { FEED_VERSION, feedCloseCodes, FeedFrame, type FeedRequest } from "@berth/protocol";
import { type MemoryLogger, memoryLogger, virtualClock } from "@berth/runtime/memory";
import { gatewayLimits } from "../limits.ts";
import { FeedConnection, type FeedSource } from "./feed-connection.ts";

/** The server's end of a page's socket, with the network's share of it in the tester's hands. */
class FakeSocket extends EventEmitter {
  bufferedAmount = 0;
  isTerminated = false;
  closed: { code: number; reason: string } | null = null;
  readonly sent: string[] = [];

  send(data: Buffer): void {
    this.sent.push(data.toString("utf8"));
  }

  close(code: number, reason: string): void {
    this.closed = { code, reason };
  }

  terminate(): void {
    this.isTerminated = true;
  }

  say(request: FeedRequest | string): void {
    const text = typeof request === "string" ? request : JSON.stringify(request);
    this.emit("message", Buffer.from(text), false);
  }
}

/** Frames are words here: what matters is which one is sent when. */
class FakeSource implements FeedSource {
  epoch: string | null = "e1";
  seq = 10;
  baseSeq = 10;

  frameAfter(seq: number): Buffer | null {
    return seq < this.baseSeq || seq > this.seq ? null : Buffer.from(`delta ${seq}..${this.seq}`);
  }

  snapshotFrame(): Buffer {
    return Buffer.from(`snapshot ${this.epoch} ${this.seq}`);
  }

  telemetryFrame(): Buffer {
    return Buffer.from("all telemetry");
  }
}

const pulse = Buffer.from("pulse");
const telemetry = Buffer.from("some telemetry");
const hello = { type: "hello", v: FEED_VERSION, have: null } as const;

function connect(): {
  socket: FakeSocket;
  source: FakeSource;
  connection: FeedConnection;
  clock: ReturnType<typeof virtualClock>;
  logger: MemoryLogger;
} {
  const socket = new FakeSocket();
  const source = new FakeSource();
  const clock = virtualClock();
  const logger = memoryLogger();
  const connection = new FeedConnection({
    socket: socket as unknown as WebSocket,
    source,
    clock,
    logger,
  });
  return { socket, source, connection, clock, logger };
}

describe("one page's connection", () => {
  it("starts with a snapshot for a page that has nothing, and goes on with deltas", () => {
    const { socket, source, connection } = connect();
    socket.say(hello);
    source.seq = 12;
    connection.pump();
    expect(socket.sent).toEqual(["snapshot e1 10", "all telemetry", "delta 10..12"]);
  });

  it("goes on from where a returning page is", () => {
    const { socket, source } = connect();
    source.seq = 15;
    socket.say({ ...hello, have: { epoch: "e1", seq: 11 } });
    expect(socket.sent).toEqual(["delta 11..15", "all telemetry"]);
  });

  it("starts over for a page of another epoch, or one that is too far behind", () => {
    const other = connect();
    other.socket.say({ ...hello, have: { epoch: "e0", seq: 10 } });
    expect(other.socket.sent[0]).toBe("snapshot e1 10");

    const late = connect();
    late.socket.say({ ...hello, have: { epoch: "e1", seq: 3 } });
    expect(late.socket.sent[0]).toBe("snapshot e1 10");
  });

  it("starts over when the gateway's own epoch changes", () => {
    const { socket, source, connection } = connect();
    socket.say(hello);
    source.epoch = "e2";
    source.seq = 4;
    connection.pump();
    expect(socket.sent.slice(2)).toEqual(["snapshot e2 4", "all telemetry"]);
  });

  it("sends nothing before the hello, and nothing twice", () => {
    const { socket, connection } = connect();
    connection.pump();
    connection.sendTelemetry(telemetry);
    expect(socket.sent).toEqual([]);
    socket.say(hello);
    connection.pump();
    connection.pump();
    expect(socket.sent).toEqual(["snapshot e1 10", "all telemetry"]);
  });

  it("holds deltas back from a page that does not acknowledge, and merges them", () => {
    const { socket, source, connection, clock } = connect();
    socket.say(hello);
    clock.advance(gatewayLimits.ackLagMsMax + 1);
    for (const seq of [11, 12, 13]) {
      source.seq = seq;
      connection.pump();
    }
    expect(socket.sent).toEqual(["snapshot e1 10", "all telemetry"]);
    socket.say({ type: "ack", seq: 10 });
    expect(socket.sent.slice(2)).toEqual(["delta 10..13"]);
  });

  it("drops telemetry while the page is congested, and then sends the whole of it", () => {
    const { socket, connection } = connect();
    socket.say(hello);
    connection.sendTelemetry(telemetry);
    socket.bufferedAmount = gatewayLimits.bufferedBytesSoft + 1;
    connection.sendTelemetry(telemetry);
    socket.bufferedAmount = 0;
    connection.sendTelemetry(telemetry);
    expect(socket.sent).toEqual([
      "snapshot e1 10",
      "all telemetry",
      "some telemetry",
      "all telemetry",
    ]);
  });

  it("ends a page that lets too much pile up, or says nothing for too long", () => {
    const slow = connect();
    slow.socket.say(hello);
    slow.socket.bufferedAmount = gatewayLimits.bufferedBytesHard + 1;
    slow.connection.pulse(pulse);
    expect(slow.socket.isTerminated).toBe(true);

    const silent = connect();
    silent.socket.say(hello);
    silent.clock.advance(gatewayLimits.silentMsMax + 1);
    silent.connection.pulse(pulse);
    expect(silent.socket.isTerminated).toBe(true);
  });

  it("closes a socket that does not say hello in time", () => {
    const { socket, connection, clock } = connect();
    clock.advance(gatewayLimits.helloMsMax + 1);
    connection.pulse(pulse);
    expect(socket.closed?.code).toBe(feedCloseCodes.malformed);
  });

  it.each([
    ["text that is not JSON", "{"],
    ["another kind of message", JSON.stringify({ type: "drop everything" })],
    ["a field too many", JSON.stringify({ ...hello, more: 1 })],
    ["a negative position", JSON.stringify({ type: "ack", seq: -1 })],
  ])("counts %s, and closes the socket with the reason", (_what, text) => {
    const { socket, logger } = connect();
    socket.say(text);
    expect(socket.closed).toEqual({ code: feedCloseCodes.malformed, reason: "malformed message" });
    expect(logger.counts().get("feed.malformed")).toBe(1);
  });

  it("refuses a second hello, and a page of another version", () => {
    const twice = connect();
    twice.socket.say(hello);
    twice.socket.say(hello);
    expect(twice.socket.closed?.reason).toBe("hello twice");

    const newer = connect();
    newer.socket.say({ ...hello, v: FEED_VERSION + 1 });
    expect(newer.socket.closed?.code).toBe(feedCloseCodes.version);
  });
});

describe("frames on the wire", () => {
  it("are what the protocol's schema describes", () => {
    const frame = {
      type: "pulse",
      epoch: "e",
      seq: 1,
      upstream: { status: "live", sinceMs: 3 },
    };
    expect(FeedFrame.parse(frame)).toEqual(frame);
  });
});
