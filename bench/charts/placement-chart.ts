import { logScale, powersOfTen, type Range, type Scale, spreadOut } from "./scale.ts";
import { element, INK, MUTED, picture, RULE, type Svg, text } from "./svg.ts";

/** What the chart shows of a measurement of `bench:place`. */
export interface PlacementPoint {
  readonly nodes: number;
  readonly mix: string;
  readonly placementsPerSecond: number;
}

const WIDTH = 760;
const HEIGHT = 440;
const PLOT = { left: 64, right: 610, top: 64, bottom: 392 };
const LABEL_GAP = 16;

/** Told apart by people with any colour vision (Okabe and Ito, 2008); yellow is darkened for white. */
const COLOURS = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#56b4e9",
  "#b8860b",
  "#e69f00",
  "#4b5563",
];

/** Placements a second by size of cluster, a line for each mix, both axes logarithmic. */
export function placementChart(points: readonly PlacementPoint[]): string {
  const mixes = [...new Set(points.map(({ mix }) => mix))];
  const nodes = rangeOf(points.map((point) => point.nodes));
  const decades = powersOfTen(rangeOf(points.map((point) => point.placementsPerSecond)));
  const rates = { from: decades[0] ?? 1, to: decades.at(-1) ?? 10 };
  const x = logScale(nodes, { from: PLOT.left, to: PLOT.right });
  const y = logScale(rates, { from: PLOT.bottom, to: PLOT.top });
  const lines = mixes.map((mix) =>
    points.filter((point) => point.mix === mix).toSorted((a, b) => a.nodes - b.nodes),
  );
  const ends = lines.map((line) => y(line.at(-1)?.placementsPerSecond ?? rates.from));
  const labels = spreadOut(ends, LABEL_GAP, { from: PLOT.top, to: PLOT.bottom });
  return picture(
    { width: WIDTH, height: HEIGHT, title: "Placements a second by nodes of the cluster" },
    text("Placements a second, one thread", { x: 24, y: 32, "font-size": 16, "font-weight": 600 }),
    ...decades.flatMap((rate) => rateLine(rate, y(rate))),
    ...[...new Set(points.map((point) => point.nodes))].map((count) => nodeTick(count, x(count))),
    text("nodes", {
      x: PLOT.right,
      y: PLOT.bottom + 40,
      fill: MUTED,
      "text-anchor": "end",
    }),
    ...lines.flatMap((line, at) => mixLine(line, x, y, colourOf(at))),
    ...mixes.map((mix, at) =>
      text(mix, {
        x: PLOT.right + 12,
        y: (labels[at] ?? 0) + 4,
        fill: colourOf(at),
        "font-weight": 600,
      }),
    ),
  );
}

function mixLine(line: readonly PlacementPoint[], x: Scale, y: Scale, stroke: string): Svg[] {
  const at = line.map((point) => ({ cx: x(point.nodes), cy: y(point.placementsPerSecond) }));
  const points = at.map(({ cx, cy }) => `${cx.toFixed(1)},${cy.toFixed(1)}`).join(" ");
  return [
    element("polyline", { points, fill: "none", stroke, "stroke-width": 2 }),
    ...at.map((position) => element("circle", { ...position, r: 3, fill: stroke })),
  ];
}

function rateLine(rate: number, y: number): Svg[] {
  return [
    element("line", { x1: PLOT.left, x2: PLOT.right, y1: y, y2: y, stroke: RULE }),
    text(shortened(rate), { x: PLOT.left - 8, y: y + 4, fill: MUTED, "text-anchor": "end" }),
  ];
}

function nodeTick(count: number, x: number): Svg {
  return text(count.toLocaleString("en-US"), {
    x,
    y: PLOT.bottom + 20,
    fill: INK,
    "text-anchor": "middle",
  });
}

function colourOf(at: number): string {
  return COLOURS[at % COLOURS.length] ?? INK;
}

/** 1,000,000 as 1M. */
function shortened(value: number): string {
  if (value >= 1e6) return `${value / 1e6}M`;
  return value >= 1e3 ? `${value / 1e3}k` : String(value);
}

function rangeOf(values: readonly number[]): Range {
  return { from: Math.min(...values), to: Math.max(...values) };
}
