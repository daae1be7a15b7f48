import { expect, test } from "vitest";
import { LiveLines } from "./live-lines.ts";
import { plainStream } from "./recorded-stream.ts";

test("off a terminal each line is written once, and again when it changes", () => {
  const stream = plainStream();
  const lines = new LiveLines(stream);
  lines.update(["a 0/3", "b 0/1"]);
  lines.update(["a 0/3", "b 0/1"]);
  lines.update(["a 1/3", "b 0/1"]);
  lines.end();
  expect(stream.text()).toBe("a 0/3\nb 0/1\na 1/3\n");
});

test("on a terminal the lines change in place, cut to its width, and leave nothing", () => {
  const stream = plainStream({ isTerminal: true, columns: 10 });
  const lines = new LiveLines(stream);
  lines.update(["1234567890123"]);
  lines.update(["short"]);
  lines.end();
  expect(stream.text()).toBe("12345678…\n\u001b[1A\u001b[0Jshort\n\u001b[1A\u001b[0J");
});

test("a terminal too narrow for anything is no reason to hang", () => {
  const stream = plainStream({ isTerminal: true, columns: 0 });
  new LiveLines(stream).update(["something"]);
  expect(stream.text()).toBe("…\n");
});
