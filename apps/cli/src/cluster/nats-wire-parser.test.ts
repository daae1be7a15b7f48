import { expect, test } from "vitest";
import { type ServerLine, WireParser } from "./nats-wire-parser.ts";

const STREAM = [
  'INFO {"server_id":"x","nonce":"abc"}\r\n',
  "PING\r\n",
  "MSG _INBOX.u.1 1 11\r\nhello\r\nworld\r\n".replace("11", "12"),
  "HMSG _INBOX.u.2 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n",
  "HMSG a.b s2 reply.to 30 32\r\nNATS/1.0\r\nNats-Msg: 12345\r\n\r\n{}\r\n".replace(
    "30 32",
    "29 31",
  ),
  "-ERR 'Authorization Violation'\r\n",
].join("");

function plain(lines: readonly ServerLine[]): unknown[] {
  return lines.map((line) =>
    line.type === "message" ? { ...line, payload: line.payload.toString() } : line,
  );
}

const EXPECTED = [
  { type: "info", nonce: "abc" },
  { type: "ping" },
  { type: "message", subject: "_INBOX.u.1", sid: "1", status: null, payload: "hello\r\nworld" },
  { type: "message", subject: "_INBOX.u.2", sid: "1", status: 503, payload: "" },
  { type: "message", subject: "a.b", sid: "s2", status: null, payload: "{}" },
  { type: "error", message: "'Authorization Violation'" },
];

test("messages, statuses and errors are read, line ends in payloads included", () => {
  expect(plain(new WireParser().push(Buffer.from(STREAM)))).toEqual(EXPECTED);
});

test("it does not matter where the stream is cut", () => {
  for (let size = 1; size < 12; size += 1) {
    const parser = new WireParser();
    const lines: ServerLine[] = [];
    const bytes = Buffer.from(STREAM);
    for (let at = 0; at < bytes.length; at += size) {
      lines.push(...parser.push(bytes.subarray(at, at + size)));
    }
    expect(plain(lines)).toEqual(EXPECTED);
  }
});

test("what is not NATS is refused", () => {
  expect(() => new WireParser().push(Buffer.from("HTTP/1.1 400 Bad Request\r\n"))).toThrow(
    "unknown verb",
  );
  expect(() => new WireParser().push(Buffer.from("MSG a 1 x\r\n"))).toThrow("without sizes");
  expect(() => new WireParser().push(Buffer.alloc(70_000, "x"))).toThrow("without end");
});
