import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  type LogsReply,
  limits,
  type LogsRequest,
  MESSAGE_VERSION,
  type Reply,
  subjects,
} from "@berth/protocol";
import { memoryNetwork } from "@berth/runtime/memory";
import { nodeClock } from "@berth/runtime/node";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LogFiles } from "../src/shell/log-files.ts";
import { LogsServer } from "../src/shell/logs-server.ts";
import { desiredAllocation } from "./support/desired-allocation.ts";
import { NODE_ID, TestHost } from "./support/test-host.ts";
import { until } from "./support/until.ts";

describe("the files of a log", () => {
  let folder: string;
  let log: LogFiles;
  let current: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "berth-logs-"));
    log = new LogFiles(folder, "stdout");
    current = path.join(folder, "stdout.log");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const textAt = (offset: number, bytes = 1_000) => log.read(offset, bytes).data.toString();

  test("keep their offsets when they are rotated", () => {
    writeFileSync(current, "0123456789");
    expect(log.rotateIfLarge(10, 3)).toBe(true);
    appendFileSync(current, "abcde");
    expect(log.endOffset()).toBe(15);
    expect(textAt(0)).toBe("0123456789");
    expect(textAt(8)).toBe("89");
    expect(textAt(10)).toBe("abcde");
    expect(textAt(-3)).toBe("cde");
    expect(log.read(99, 10)).toMatchObject({ offset: 15, nextOffset: 15, skippedBytes: 0 });
  });

  test("are not rotated while they are small", () => {
    writeFileSync(current, "012345678");
    expect(log.rotateIfLarge(10, 3)).toBe(false);
  });

  test("say how much of what was asked for is gone", () => {
    for (const digit of "01234") {
      appendFileSync(current, digit.repeat(10));
      log.rotateIfLarge(10, 3);
    }
    expect(readdirSync(folder).sort()).toEqual(["stdout.30.log", "stdout.40.log", "stdout.log"]);
    expect(log.read(5, 4)).toMatchObject({ offset: 30, nextOffset: 34, skippedBytes: 25 });
    expect(log.read(-1_000, 4)).toMatchObject({ offset: 30, skippedBytes: 0 });
  });

  test("keep the newest part of one that has grown far too large", () => {
    writeFileSync(current, "0123456789".repeat(5));
    log.rotateIfLarge(10, 3);
    appendFileSync(current, "next");
    expect(log.read(0, 100)).toMatchObject({ offset: 30, nextOffset: 50, skippedBytes: 30 });
    expect(textAt(50)).toBe("next");
  });

  test("go on when an agent was killed before it truncated", () => {
    writeFileSync(current, "0123456789");
    writeFileSync(path.join(folder, "stdout.tmp"), "0123456789");
    expect(textAt(0)).toBe("0123456789");
    expect(log.endOffset()).toBe(10);
    expect(existsSync(path.join(folder, "stdout.tmp"))).toBe(false);
  });

  test("go on when an agent was killed after it truncated", () => {
    writeFileSync(current, "new");
    writeFileSync(path.join(folder, "stdout.tmp"), "0123456789");
    expect(textAt(0)).toBe("0123456789");
    expect(textAt(10)).toBe("new");
  });

  test("find the last lines, across rotations, the last one finished or not", () => {
    appendFileSync(current, "one\ntwo\nth");
    log.rotateIfLarge(10, 9);
    appendFileSync(current, "ree\nfour\n");
    expect(textAt(log.offsetOfLastLines(1))).toBe("four\n");
    expect(textAt(log.offsetOfLastLines(2)).slice(0, 2)).toBe("th");
    expect(log.offsetOfLastLines(3)).toBe(4);
    expect(log.offsetOfLastLines(4)).toBe(0);
    expect(log.offsetOfLastLines(99)).toBe(0);
    expect(log.offsetOfLastLines(0)).toBe(19);
    appendFileSync(current, "tail");
    expect(textAt(log.offsetOfLastLines(1))).toBe("tail");
    expect(textAt(log.offsetOfLastLines(2))).toBe("four\ntail");
  });

  test("give everything back in order, whatever the sizes of writes, reads and files", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1, maxLength: 40 }), { maxLength: 30 }),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 50 }),
        (writes, fileBytesMax, readBytesMax) => {
          rmSync(folder, { recursive: true });
          folder = mkdtempSync(path.join(tmpdir(), "berth-logs-"));
          const files = new LogFiles(folder, "stderr");
          // Rotated by the agent before it can grow beyond twice the size: nothing is skipped.
          for (const text of writes) {
            for (const byte of Buffer.from(text)) {
              appendFileSync(files.currentFile, Buffer.of(byte));
              files.rotateIfLarge(fileBytesMax, 10_000);
            }
          }
          const got: Buffer[] = [];
          for (let offset = 0; ; ) {
            const chunk = files.read(offset, readBytesMax);
            expect(chunk).toMatchObject({ offset, skippedBytes: 0 });
            if (chunk.data.length === 0) break;
            got.push(chunk.data);
            offset = chunk.nextOffset;
          }
          expect(Buffer.concat(got)).toEqual(Buffer.from(writes.join("")));
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe("requests for logs", () => {
  let host: TestHost;
  let server: LogsServer;
  const network = memoryNetwork({ clock: nodeClock });
  const reader = network.connect("reader");
  beforeEach(() => {
    host = new TestHost();
    const { logger, supervisor } = host;
    server = new LogsServer({
      bus: network.connect("agent"),
      nodeId: NODE_ID,
      clock: nodeClock,
      logger,
      supervisor,
    });
  });
  afterEach(async () => {
    server.close();
    await host.dispose();
  });

  function ask(request: Partial<LogsRequest>): Promise<Reply<LogsReply>> {
    const body = {
      v: MESSAGE_VERSION,
      allocationId: "a1",
      stream: "stdout",
      offset: 0,
      tailLines: null,
      maxBytes: 1_000,
      waitMs: 0,
      ...request,
    };
    const answer = reader.request(subjects.node(NODE_ID, "logs"), body, { timeoutMs: 15_000 });
    return answer as Promise<Reply<LogsReply>>;
  }

  async function chunk(request: Partial<LogsRequest>): Promise<LogsReply & { text: string }> {
    const reply = await ask(request);
    if (!reply.ok) throw new Error(reply.error.message);
    return { ...reply.value, text: Buffer.from(reply.value.data, "base64").toString() };
  }

  test("get the last lines of a running task, and then wait for what follows", async () => {
    const gate = path.join(host.folder, "gate");
    const command = [
      "sh",
      "-c",
      `echo one; echo two; while [ ! -e ${gate} ]; do sleep 0.02; done; echo three; sleep 300`,
    ];
    host.desire(desiredAllocation({ command }));
    await host.outputHas("two");
    const tail = await chunk({ tailLines: 1 });
    expect(tail).toMatchObject({ offset: 4, nextOffset: 8, text: "two\n", end: false });
    const following = chunk({ offset: tail.nextOffset, waitMs: 10_000 });
    writeFileSync(gate, "");
    expect(await following).toMatchObject({ text: "three\n", end: false });
  });

  test("are told when nothing follows any more", async () => {
    const gate = path.join(host.folder, "gate");
    const command = ["sh", "-c", `echo one; while [ ! -e ${gate} ]; do sleep 0.02; done`];
    host.desire(desiredAllocation({ command }));
    await host.outputHas("one");
    const following = chunk({ offset: 4, waitMs: 10_000 });
    writeFileSync(gate, "");
    expect(await following).toMatchObject({ text: "", end: true });
    expect(await chunk({ maxBytes: 2 })).toMatchObject({ text: "on", end: false });
  });

  test("get an empty chunk when the wait is over", async () => {
    host.desire(desiredAllocation());
    await host.running();
    expect(await chunk({ waitMs: 30 })).toMatchObject({ text: "", offset: 0, end: false });
  });

  test("never get more than one message holds", async () => {
    host.desire(desiredAllocation({ command: ["head", "-c", "300000", "/dev/zero"] }));
    await host.finished();
    const { nextOffset } = await chunk({ maxBytes: 10_000_000 });
    expect(nextOffset).toBe(limits.logChunkBytesMax);
  });

  test("are refused for what is not there and for what is malformed", async () => {
    expect(await ask({ allocationId: "a9" as LogsRequest["allocationId"] })).toMatchObject({
      ok: false,
      error: { code: "not_found" },
    });
    expect(await ask({ offset: 0.5 })).toMatchObject({ ok: false, error: { code: "invalid" } });
  });

  test("see everything once and in order although it is rotated under a running task", async () => {
    const count = 10_000;
    const command = ["seq", "-f", "line %06g", "1", String(count)];
    host.desire(desiredAllocation({ command: ["sh", "-c", `${SLOWLY} '${command.join("' '")}'`] }));
    await until("it is there", () => host.supervisor.tasks.size === 1);
    const files = new LogFiles(host.task("a1").folder.logsPath, "stdout");
    let rotations = 0;
    await until("the task ends", () => {
      if (files.rotateIfLarge(20_000, 1_000)) rotations += 1;
      return host.task("a1").phase === "finished";
    });
    let text = "";
    for (let offset = 0, end = false; !end; ) {
      const part = await chunk({ offset, maxBytes: 50_000 });
      expect(part).toMatchObject({ offset, skippedBytes: 0 });
      text += part.text;
      offset = part.nextOffset;
      end = part.end;
    }
    expect(rotations).toBeGreaterThan(1);
    // What was written in the moment of a rotation may be missing, and cut a line there.
    const whole = text.split("\n").filter((line) => /^line \d{6}$/.test(line));
    expect(whole).toEqual([...new Set(whole)].sort());
    expect(whole.at(-1)).toBe(`line ${String(count).padStart(6, "0")}`);
    expect(whole.length).toBeGreaterThan(count * 0.9);
  });
});

/** Passes a program's lines on unbuffered, and with a pause after every hundred. */
const SLOWLY =
  'slowly() { n=0; while IFS= read -r line; do echo "$line"; n=$((n+1)); ' +
  '[ $((n % 100)) = 0 ] && sleep 0.005; done; }; run() { "$@" | slowly; }; run';
