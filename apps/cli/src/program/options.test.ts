import { expect, test } from "vitest";
import {
  device,
  duration,
  interfaceSpeed,
  keyValue,
  moment,
  portNumber,
  portRange,
  quotaAmounts,
  taint,
  wholeNumber,
} from "./options.ts";

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

test("amounts of quotas collect, and what is not an amount never takes a limit away", () => {
  expect(quotaAmounts("cpu=4, gpu=0.5", { memory: "1TiB" })).toEqual({
    memory: "1TiB",
    cpu: "4",
    gpu: 0.5,
  });
  expect(quotaAmounts("gpu=none")).toEqual({ gpu: null });
  expect(() => quotaAmounts("gpu=many")).toThrow(/Write GPUs as a number/);
  expect(() => quotaAmounts("gpu=-1")).toThrow(/Write GPUs as a number/);
  expect(() => quotaAmounts("disk=1")).toThrow(/Write amounts such as/);
});

test("a moment is a date, a distance from now, or now", () => {
  expect(moment("now")).toEqual({ inMs: 0 });
  expect(moment("+1h30m")).toEqual({ inMs: 5_400_000 });
  expect(moment("2027-03-01T08:00:00Z")).toEqual({ atUnixMs: Date.UTC(2027, 2, 1, 8) });
  expect(() => moment("soon")).toThrow(/Write a moment/);
  expect(() => moment("2027-99-01T00:00")).toThrow(/Write a moment/);
});

test("taints and counted devices collect as they are written, and what is neither is refused", () => {
  expect(taint("fans=soon=ish", ["spare"])).toEqual(["spare", "fans=soon=ish"]);
  for (const text of ["", "=reason", "*"]) expect(() => taint(text)).toThrow(/KEY=reason/);
  expect(device("fpga=2", ["nic=1"])).toEqual(["nic=1", "fpga=2"]);
  expect(interfaceSpeed("ib0=400000", ["eth0=10000"])).toEqual(["eth0=10000", "ib0=400000"]);
  for (const text of ["eth0", "eth0=0", "eth0=10Gbps", "=1"]) {
    expect(() => interfaceSpeed(text)).toThrow(/NAME=MBPS/);
  }
  for (const text of ["fpga", "fpga=", "fpga=-1", "=1", "a b=1", "fpga=9999999"]) {
    expect(() => device(text)).toThrow(/NAME=COUNT/);
  }
});
