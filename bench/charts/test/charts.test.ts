import { describe, expect, it } from "vitest";
import { packingChart } from "../packing-chart.ts";
import { placementChart } from "../placement-chart.ts";
import { linearScale, logScale, powersOfTen, spreadOut } from "../scale.ts";
import { element, picture, text } from "../svg.ts";

describe("scales", () => {
  it("map the ends of the domain to the ends of the pixels, downwards too", () => {
    const down = linearScale({ from: 0, to: 10 }, { from: 100, to: 0 });
    expect([0, 5, 10].map(down)).toEqual([100, 50, 0]);
    const log = logScale({ from: 100, to: 10_000 }, { from: 0, to: 80 });
    expect(log(1_000)).toBeCloseTo(40);
  });

  it("enclose values by powers of ten", () => {
    expect(powersOfTen({ from: 2_500, to: 1_400_000 })).toEqual([1e3, 1e4, 1e5, 1e6, 1e7]);
  });

  it("move labels apart in their order, and not beyond the end", () => {
    expect(spreadOut([50, 52, 10], 10, { from: 0, to: 100 })).toEqual([50, 60, 10]);
    expect(spreadOut([99, 98, 97], 10, { from: 0, to: 100 })).toEqual([100, 90, 80]);
  });
});

describe("svg", () => {
  it("escapes what it is given", () => {
    expect(text('a < "b" & c', {})).toBe("<text>a &lt; &quot;b&quot; &amp; c</text>");
    expect(element("g", { id: '"><script>' })).toBe('<g id="&quot;&gt;&lt;script&gt;"/>');
  });

  it("names the picture for those who do not see it", () => {
    expect(picture({ width: 1, height: 2, title: "Speed" })).toContain("<title>Speed</title>");
  });
});

describe("the placement chart", () => {
  const points = [100, 1_000].flatMap((nodes) =>
    ["identical", "gang"].map((mix) => ({ nodes, mix, placementsPerSecond: nodes * 50 })),
  );

  it("has a line and a label for each mix, and a point for each measurement", () => {
    const chart = placementChart(points);
    expect(chart.match(/<polyline/g)).toHaveLength(2);
    expect(chart.match(/<circle/g)).toHaveLength(4);
    for (const label of ["identical", "gang", "1,000", "10k"]) expect(chart).toContain(`${label}<`);
  });

  it("can be drawn of one measurement alone", () => {
    const chart = placementChart(points.slice(0, 1));
    expect(chart).not.toMatch(/NaN|Infinity/);
  });
});

describe("the packing chart", () => {
  it("has a row for each policy, best first", () => {
    const chart = packingChart([
      { policy: "first-fit", mean130: 94.5, sd130: 0.1 },
      { policy: "berth", mean130: 96.38, sd130: 0.02 },
    ]);
    expect(chart.indexOf("berth")).toBeLessThan(chart.indexOf("first-fit"));
    expect(chart).toContain("96.38<");
    expect(chart).not.toMatch(/NaN|Infinity/);
  });
});
