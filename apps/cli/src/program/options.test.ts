import { expect, test } from "vitest";
import { duration, keyValue, portNumber, portRange, wholeNumber } from "./options.ts";

test("durations are written with units", () => {
  expect(duration("1m30s")).toBe(90_000);
  expect(() => duration("5")).toThrow(/such as 500ms, 30s/);
});

test("numbers, ports and ranges say what is wrong with them", () => {
  expect(wholeNumber("20")).toBe(20);
  expect(() => wholeNumber("-1")).toThrow(/whole number/);
  expect(portNumber("7480")).toBe(7480);
  expect(() => portNumber("70000")).toThrow(/1 to 65535/);
  expect(portRange("20000-20999")).toEqual({ from: 20_000, to: 20_999 });
  expect(() => portRange("30000-20000")).toThrow(/range of ports/);
  expect(() => portRange("1-2-3")).toThrow(/range of ports/);
});

test("key=value pairs collect, and a value may hold an equals sign", () => {
  expect(keyValue("b=x=y", { a: "1" })).toEqual({ a: "1", b: "x=y" });
  expect(() => keyValue("=x")).toThrow(/key=value/);
});
