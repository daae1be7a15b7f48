/** What the server says to a client, as far as a client of core NATS needs it. */
export type ServerLine =
  | { readonly type: "info"; readonly nonce: string | null }
  | { readonly type: "ping" }
  | { readonly type: "error"; readonly message: string }
  | {
      readonly type: "message";
      readonly subject: string;
      readonly sid: string;
      /** The status in the headers (503: nobody listens); null without one. */
      readonly status: number | null;
      readonly payload: Buffer;
    };

const CONTROL_LINE_BYTES_MAX = 64 * 1024;
const LINE_END = "\r\n";

/** Cuts the byte stream of the NATS client protocol into messages; keeps what is incomplete. */
export class WireParser {
  #rest: Buffer = Buffer.alloc(0);

  /** Throws when the bytes cannot be NATS. */
  push(chunk: Buffer): ServerLine[] {
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const lines: ServerLine[] = [];
    for (;;) {
      const end = rest.indexOf(LINE_END);
      if (end === -1) break;
      const control = rest.toString("utf8", 0, end);
      const head = messageHead(control);
      const size = end + 2 + (head === null ? 0 : head.totalBytes + 2);
      if (rest.length < size) break;
      const line =
        head === null ? simpleLine(control) : message(head, rest.subarray(end + 2, size - 2));
      if (line) lines.push(line);
      rest = rest.subarray(size);
    }
    if (rest.length > CONTROL_LINE_BYTES_MAX && rest.indexOf(LINE_END) === -1) {
      throw new Error("a control line without end");
    }
    this.#rest = rest;
    return lines;
  }
}

interface MessageHead {
  readonly subject: string;
  readonly sid: string;
  readonly headerBytes: number;
  readonly totalBytes: number;
}

/** `MSG subject sid [reply] bytes` or `HMSG subject sid [reply] header-bytes bytes`; else null. */
function messageHead(control: string): MessageHead | null {
  const [verb, subject = "", sid = "", ...rest] = control.split(" ");
  if (verb !== "MSG" && verb !== "HMSG") return null;
  const totalBytes = Number(rest.at(-1));
  const headerBytes = verb === "HMSG" ? Number(rest.at(-2)) : 0;
  if (!Number.isInteger(totalBytes) || !Number.isInteger(headerBytes) || headerBytes > totalBytes) {
    throw new Error(`a ${verb} without sizes`);
  }
  return { subject, sid, headerBytes, totalBytes };
}

function message(head: MessageHead, body: Buffer): ServerLine {
  const headers = body.toString("latin1", 0, head.headerBytes);
  const status = /^NATS\/1\.0 (\d{3})/.exec(headers)?.[1];
  return {
    type: "message",
    subject: head.subject,
    sid: head.sid,
    status: status === undefined ? null : Number(status),
    payload: body.subarray(head.headerBytes),
  };
}

function simpleLine(control: string): ServerLine | null {
  if (control.startsWith("INFO ")) {
    const info: unknown = JSON.parse(control.slice("INFO ".length));
    const nonce =
      typeof info === "object" && info !== null && "nonce" in info && typeof info.nonce === "string"
        ? info.nonce
        : null;
    return { type: "info", nonce };
  }
  if (control === "PING") return { type: "ping" };
  if (control.startsWith("-ERR ")) return { type: "error", message: control.slice("-ERR ".length) };
  if (control === "PONG" || control === "+OK") return null;
  throw new Error(`an unknown verb: ${control.slice(0, 20)}`);
}
