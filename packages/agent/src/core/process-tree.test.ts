import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseStat, type ProcessRow, sortByTask } from "./process-tree.ts";

function row(pid: number, shape: Partial<ProcessRow> = {}): ProcessRow {
  const standard = { startTicks: pid * 10, parentPid: 1, session: 1, state: "S" };
  return { pid, cpuTicks: 0, residentPages: 0, ...standard, ...shape };
}
const shim = { pid: 100, startTicks: 1_000 };
const child = { pid: 101, startTicks: 1_010 };
const task = { id: "a", shim, known: [child] };
const nobody = () => null;
const pids = (rows: readonly ProcessRow[] | undefined) => rows?.map(({ pid }) => pid);

describe("a line of the process table", () => {
  test("is read although the name holds brackets and blanks", () => {
    const fields = "S 7 8 9 0 -1 0 0 0 0 0 11 12 13 14 20 0 1 0 4242 1000 55 0";
    expect(parseStat(`321 (a) b (c)) ${fields}`)).toEqual({
      pid: 321,
      state: "S",
      parentPid: 7,
      session: 9,
      cpuTicks: 50,
      startTicks: 4242,
      residentPages: 55,
    });
  });

  test("is read as the kernel writes it", () => {
    const own = parseStat(readFileSync("/proc/self/stat", "latin1"));
    expect(own).toMatchObject({ pid: process.pid, parentPid: process.ppid });
  });

  test.each(["", "nonsense", "12 (sh", "12 (sh) S 1"])("is refused when it is %j", (text) => {
    expect(parseStat(text)).toBeNull();
  });
});

describe("the processes of a task", () => {
  test("are its session and all descendants, without the shim and the dead", () => {
    const table = [
      row(100, { session: 100 }),
      row(101, { session: 100, parentPid: 100 }),
      row(102, { session: 100, parentPid: 1 }),
      row(103, { session: 103, parentPid: 101 }),
      row(104, { session: 103, parentPid: 103 }),
      row(105, { session: 100, parentPid: 101, state: "Z" }),
      row(200),
    ];
    expect(pids(sortByTask(table, [task], nobody).get("a"))).toEqual([101, 102, 103, 104]);
  });

  test("are found by their mark when nothing else is left of the tree", () => {
    const table = [
      row(300, { session: 300 }),
      row(301, { session: 300, parentPid: 300 }),
      row(302),
    ];
    const markOf = ({ pid }: ProcessRow) => (pid === 300 ? "a" : null);
    expect(pids(sortByTask(table, [task], markOf).get("a"))).toEqual([300, 301]);
  });

  test("are never a stranger's that got a pid of theirs", () => {
    const table = [
      row(100, { startTicks: 9_000, session: 100 }),
      row(101, { startTicks: 9_001, session: 100, parentPid: 100 }),
    ];
    expect(sortByTask(table, [task], nobody).get("a")).toEqual([]);
  });

  test("include a session whose leader has ended while one proven member lives", () => {
    const table = [
      row(101, { session: 100, parentPid: 1 }),
      row(150, { session: 100, parentPid: 1 }),
    ];
    expect(pids(sortByTask(table, [task], nobody).get("a"))).toEqual([101, 150]);
  });

  test("of several tasks are kept apart, marks of others' clusters left alone", () => {
    const other = { id: "b", shim: { pid: 400, startTicks: 4_000 }, known: [] };
    const table = [row(101, { session: 100 }), row(400), row(401, { parentPid: 400 }), row(500)];
    const markOf = ({ pid }: ProcessRow) => (pid === 500 ? "c" : null);
    const sorted = sortByTask(table, [task, other], markOf);
    expect(pids(sorted.get("a"))).toEqual([101]);
    expect(pids(sorted.get("b"))).toEqual([401]);
  });

  test("end although a table read over some time shows a circle of parents", () => {
    const table = [row(600, { parentPid: 601 }), row(601, { parentPid: 600 })];
    expect(sortByTask(table, [task], nobody).get("a")).toEqual([]);
  });
});
