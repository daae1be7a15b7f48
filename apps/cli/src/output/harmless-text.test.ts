import { expect, test } from "vitest";
import { HarmlessText, makeHarmless } from "./harmless-text.ts";

const ESCAPE = "\u001b";

test("colours, tabs and line ends stay as they are", () => {
  const text = `${ESCAPE}[1;31mred${ESCAPE}[0m\tplain\r\nnext\n`;
  expect(makeHarmless(text)).toBe(text);
});

test("what would move the cursor, set a title or ask the terminal is shown, not obeyed", () => {
  expect(makeHarmless(`${ESCAPE}[2J`)).toBe("␛[2J");
  expect(makeHarmless(`${ESCAPE}]0;owned\u0007`)).toBe("␛]0;owned␇");
  expect(makeHarmless(`${ESCAPE}[6n`)).toBe("␛[6n");
  expect(makeHarmless("\u009b2J\u0000\u007f")).toBe("\ufffd2J␀␡");
});

test("a colour that arrives in two pieces is still a colour", () => {
  const harmless = new HarmlessText();
  const shown = harmless.push(`a${ESCAPE}`) + harmless.push("[3") + harmless.push("1mb");
  expect(shown + harmless.end()).toBe(`a${ESCAPE}[31mb`);
});

test("a sequence that arrives in two pieces does not slip through", () => {
  const harmless = new HarmlessText();
  const shown = harmless.push(`a${ESCAPE}[`) + harmless.push("2Jb") + harmless.end();
  expect(shown).toBe("a␛[2Jb");
});

test("an escape at the very end comes out in the end", () => {
  const harmless = new HarmlessText();
  expect(harmless.push(`a${ESCAPE}`)).toBe("a");
  expect(harmless.end()).toBe("␛");
});
