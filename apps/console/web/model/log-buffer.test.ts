import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBase64, LogBuffer, logLimits, plainText } from "./log-buffer.ts";

function chunk(bytes: Uint8Array, skippedBytes = 0) {
  return { offset: 0, nextOffset: bytes.length, skippedBytes, bytes };
}
const encode = (text: string) => new TextEncoder().encode(text);
const texts = (buffer: LogBuffer) => buffer.lines().map(({ text }) => text);

describe("a log's lines", () => {
  it("are the same however the bytes were cut", () => {
    const text = fc.string({ unit: "grapheme" }).map((line) => line.replace(/[\p{C}\n\r]/gu, ""));
    fc.assert(
      fc.property(fc.array(text), fc.array(fc.nat(40), { maxLength: 30 }), (lines, cuts) => {
        const bytes = encode(lines.map((line) => `${line}\n`).join(""));
        const buffer = new LogBuffer();
        let at = 0;
        for (const size of cuts) {
          buffer.append(chunk(bytes.subarray(at, at + size)));
          at += size;
        }
        buffer.append(chunk(bytes.subarray(Math.min(at, bytes.length))));
        expect(texts(buffer)).toEqual(lines);
      }),
    );
  });

  it("show the unfinished last one", () => {
    const buffer = new LogBuffer();
    buffer.append(chunk(encode("one\ntw")));
    expect(texts(buffer)).toEqual(["one", "tw"]);
    buffer.append(chunk(encode("o\n")));
    expect(texts(buffer)).toEqual(["one", "two"]);
  });

  it("mark what was rotated away", () => {
    const buffer = new LogBuffer();
    buffer.append(chunk(encode("before")));
    buffer.append(chunk(encode("after\n"), 512));
    expect(buffer.lines().map(({ kind }) => kind)).toEqual(["text", "gap", "text"]);
  });

  it("are bounded in number and in length", () => {
    const buffer = new LogBuffer();
    buffer.append(chunk(encode("x\n".repeat(logLimits.linesMax + 5))));
    expect(buffer.lines()).toHaveLength(logLimits.linesMax);
    expect(buffer.droppedLines).toBe(5);
    const endless = new LogBuffer();
    endless.append(chunk(encode("y".repeat(3 * logLimits.lineLengthMax + 1))));
    expect(Math.max(...texts(endless).map((line) => line.length))).toBe(logLimits.lineLengthMax);
  });

  it("keep their numbers when older ones go, so that rows are not drawn anew", () => {
    const buffer = new LogBuffer();
    buffer.append(chunk(encode("x\n".repeat(logLimits.linesMax))));
    const last = buffer.lines().at(-1);
    buffer.append(chunk(encode("y\n")));
    expect(buffer.lines().at(-2)).toEqual(last);
  });
});

describe("a stranger's text", () => {
  it("loses terminal sequences and cannot turn its line around", () => {
    expect(plainText("\u001b[31mred\u001b[0m \u001b]0;title\u0007end")).toBe("red end");
    expect(plainText("a\u0000b\u202ec")).toBe("a\ufffdb\ufffdc");
    expect(plainText("tab\tstays, <b>too</b>")).toBe("tab\tstays, <b>too</b>");
  });

  it("arrives as bytes", () => {
    expect(decodeBase64(Buffer.from([0, 255, 128]).toString("base64"))).toEqual(
      new Uint8Array([0, 255, 128]),
    );
  });
});
