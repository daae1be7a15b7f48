import { expect, test } from "vitest";
import { displayWidth, renderTable } from "./table.ts";
import { plainStream } from "./recorded-stream.ts";

const rows = [
  { name: "web", count: 3 },
  { name: "word-count", count: 12 },
];

test("columns line up, numbers to the right, without trailing spaces", () => {
  const text = renderTable(
    plainStream(),
    [
      { title: "NAME", value: ({ name }) => name },
      { title: "COUNT", value: ({ count }) => String(count), align: "right" },
      { title: "NOTE", value: () => "" },
    ],
    rows,
  );
  expect(text).toBe("NAME        COUNT  NOTE\nweb             3\nword-count     12\n");
});

test("wide characters take two columns and combining ones none", () => {
  expect(displayWidth("日本")).toBe(4);
  expect(displayWidth("e\u0301")).toBe(1);
  const text = renderTable(
    plainStream(),
    [
      { title: "A", value: (row: string) => row },
      { title: "B", value: () => "x" },
    ],
    ["日本", "ab"],
  );
  expect(text).toBe("A     B\n日本  x\nab    x\n");
});

test("a cell cannot break its line or send an escape sequence", () => {
  const text = renderTable(
    plainStream(),
    [{ title: "A", value: (row: string) => row }],
    ["x\n\u001b[2Jy"],
  );
  expect(text).toBe("A\nx [2Jy\n");
});
