import { linearScale, type Scale } from "./scale.ts";
import { element, MUTED, picture, RULE, type Svg, text } from "./svg.ts";

/** What the chart shows of a report of `bench:packing`: GPU allocated, in percent of capacity. */
export interface PackingPoint {
  readonly policy: string;
  readonly mean130: number;
  readonly sd130: number;
}

const WIDTH = 760;
const PLOT = { left: 150, right: 690, top: 76 };
const ROW_HEIGHT = 28;
const OURS = "#0072b2";
const OTHERS = "#98a2b3";

/** No policy that may not refuse a task allocates more (linear programme over the whole list). */
const BOUND_PERCENT = 96.5;

/** A row for each policy, best first: its mean over seeds, and one standard deviation either way. */
export function packingChart(points: readonly PackingPoint[]): string {
  const rows = points.toSorted((a, b) => b.mean130 - a.mean130);
  const from = Math.floor(Math.min(...points.map(({ mean130 }) => mean130)) - 1);
  const domain = { from, to: Math.ceil(BOUND_PERCENT) + 1 };
  const x = linearScale(domain, { from: PLOT.left, to: PLOT.right });
  const bottom = PLOT.top + ROW_HEIGHT * rows.length;
  const ticks = Array.from({ length: domain.to - from + 1 }, (_, at) => from + at);
  const everyOther = ticks.filter((percent) => percent % 2 === 0);
  return picture(
    { width: WIDTH, height: bottom + 44, title: "GPU allocated on openb by policy" },
    text("GPU allocated when 130 % was asked for, openb", {
      x: 24,
      y: 32,
      "font-size": 16,
      "font-weight": 600,
    }),
    ...everyOther.flatMap((percent) => percentLine(percent, x(percent), bottom)),
    ...boundLine(x(BOUND_PERCENT), bottom),
    ...rows.flatMap((row, at) => policyRow(row, PLOT.top + ROW_HEIGHT * (at + 0.5), x)),
  );
}

function policyRow({ policy, mean130, sd130 }: PackingPoint, y: number, x: Scale): Svg[] {
  const isOurs = policy.startsWith("berth");
  const fill = isOurs ? OURS : OTHERS;
  const weight = isOurs ? 600 : 400;
  const whisker = { x1: x(mean130 - sd130), x2: x(mean130 + sd130), y1: y, y2: y };
  return [
    text(policy, { x: PLOT.left - 12, y: y + 4, "text-anchor": "end", "font-weight": weight }),
    element("line", { ...whisker, stroke: fill, "stroke-width": 2 }),
    element("circle", { cx: x(mean130), cy: y, r: 5, fill }),
    text(mean130.toFixed(2), { x: WIDTH - 24, y: y + 4, "text-anchor": "end" }),
  ];
}

function percentLine(percent: number, x: number, bottom: number): Svg[] {
  return [
    element("line", { x1: x, x2: x, y1: PLOT.top, y2: bottom, stroke: RULE }),
    text(`${percent} %`, { x, y: bottom + 20, fill: MUTED, "text-anchor": "middle" }),
  ];
}

function boundLine(x: number, bottom: number): Svg[] {
  return [
    element("line", {
      x1: x,
      x2: x,
      y1: PLOT.top - 8,
      y2: bottom,
      stroke: MUTED,
      "stroke-dasharray": "4 3",
    }),
    text(`no policy passes ${BOUND_PERCENT} %`, {
      x: x + 4,
      y: PLOT.top - 14,
      fill: MUTED,
      "text-anchor": "end",
    }),
  ];
}
