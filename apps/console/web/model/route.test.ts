import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { allocationHref, formatRoute, nodeHref, parseRoute, workloadHref } from "./route.ts";

describe("the page's address", () => {
  it.each([
    ["", "home"],
    ["#/", "home"],
    ["#/nodes", "nodes"],
    ["#/nodes/UABC", "node"],
    ["#/workloads", "workloads"],
    ["#/workloads/default/web", "workload"],
    ["#/allocations/a7?stream=stderr", "allocation"],
    ["#/events?q=web", "events"],
    ["#/workloads/default", "missing"],
    ["#/nodes/a/b", "missing"],
    ["#/elsewhere", "missing"],
  ])("%s is the page %s", (hash, page) => {
    expect(parseRoute(hash).page).toBe(page);
  });

  it("keeps the filter and the stream", () => {
    expect(parseRoute("#/allocations/a7?stream=stderr&q=x%20y")).toEqual({
      page: "allocation",
      id: "a7",
      stream: "stderr",
      filter: "x y",
    });
  });

  it("reads back whatever it wrote", () => {
    const text = fc.string({ minLength: 1, unit: "grapheme" });
    fc.assert(
      fc.property(text, text, text, (project, name, filter) => {
        for (const route of [
          { page: "workload", project, name, filter },
          { page: "node", id: name, filter },
          { page: "allocation", id: name, stream: "stderr", filter },
          { page: "home", filter },
        ] as const) {
          expect(parseRoute(formatRoute(route))).toEqual(route);
        }
      }),
    );
  });

  it("never throws, whatever stands in the address bar", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (hash) => {
        parseRoute(hash);
      }),
    );
    expect(parseRoute("#/nodes/%E0%A4%A").page).toBe("node");
  });

  it("links to things by their id", () => {
    expect(nodeHref("UABC")).toBe("#/nodes/UABC");
    expect(workloadHref("default/web")).toBe("#/workloads/default/web");
    expect(allocationHref("a7")).toBe("#/allocations/a7");
  });
});
