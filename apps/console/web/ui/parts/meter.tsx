import {
  dimensionLabels,
  formatAmount,
  type ShownDimension,
  unitNoun,
} from "../../model/dimension.ts";
import type { Headroom } from "../../model/headroom.ts";
import { plural } from "../../model/format.ts";
import { Unknown } from "./panel.tsx";

/** Used, granted and reserved of a capacity, to scale. Hatched: nobody knows the capacity. */
export function MeterBar({ headroom }: { headroom: Headroom }) {
  const { capacity, reserved, granted, used } = headroom;
  if (capacity === null) return <div class="meter meter-unknown" aria-hidden="true" />;
  const scale = capacity === 0 ? 0 : 100 / capacity;
  const percent = (amount: number) => `${Math.min(100, amount * scale).toFixed(2)}%`;
  const isOver = granted + reserved > capacity;
  return (
    <div class={`meter ${isOver ? "meter-over" : ""}`} aria-hidden="true">
      <div class="meter-reserved" style={{ width: percent(reserved) }} />
      <div class="meter-granted" style={{ left: percent(reserved), width: percent(granted) }} />
      {used === null ? null : <div class="meter-used" style={{ width: percent(used) }} />}
    </div>
  );
}

/** One dimension as a tile: its bar and its numbers. */
export function MeterTile({ headroom }: { headroom: Headroom }) {
  const { dimension, capacity, granted, used } = headroom;
  const isNone = capacity === 0;
  return (
    <div class="tile">
      <div class="tile-head">
        <span class="tile-label">{dimensionLabels[dimension]}</span>
        <span class="tile-figure">
          <GrantedShare headroom={headroom} />
        </span>
      </div>
      {isNone ? (
        <div class="meter meter-none" aria-hidden="true" />
      ) : (
        <MeterBar headroom={headroom} />
      )}
      <dl class="tile-facts">
        <div>
          <dt>Used</dt>
          <dd>{isNone ? "–" : used === null ? <Unknown /> : formatAmount(dimension, used)}</dd>
        </div>
        <div>
          <dt>Granted</dt>
          <dd>{isNone ? "–" : formatAmount(dimension, granted)}</dd>
        </div>
        <div>
          <dt>Total</dt>
          <dd>{capacity === null ? <Unknown /> : capacityText(dimension, capacity)}</dd>
        </div>
      </dl>
      <p class="tile-note">{noteOf(headroom)}</p>
    </div>
  );
}

function GrantedShare({ headroom: { capacity, granted } }: { headroom: Headroom }) {
  if (capacity === null) return <Unknown />;
  if (capacity === 0) return "none";
  return (
    <>
      {Math.round((granted / capacity) * 100)}%<small> granted</small>
    </>
  );
}

/** A bar and one line of text, for a table cell. */
export function MeterCell({ headroom }: { headroom: Headroom }) {
  const { dimension, capacity, granted, used } = headroom;
  if (capacity === 0) return <span class="quiet">none</span>;
  const usedText = used === null ? "use unknown" : `${formatAmount(dimension, used)} used`;
  return (
    <div class="meter-cell" title={`${formatAmount(dimension, granted)} granted, ${usedText}`}>
      <MeterBar headroom={headroom} />
      <span class="meter-text">
        {formatAmount(dimension, granted)}
        <span class="quiet">
          {" "}
          / {capacity === null ? "unknown" : formatAmount(dimension, capacity)}
        </span>
      </span>
    </div>
  );
}

function capacityText(dimension: ShownDimension, capacity: number): string {
  return [formatAmount(dimension, capacity), unitNoun(dimension)].filter(Boolean).join(" ");
}

function noteOf(headroom: Headroom): string {
  const { dimension, nodes, reserved, nodesWithoutCapacity, nodesWithoutUsage, capacity } =
    headroom;
  if (nodes === 0) return "no nodes";
  if (nodesWithoutCapacity > 0) {
    return nodesWithoutCapacity === nodes
      ? "no node knows its speed"
      : `${plural(nodesWithoutCapacity, "node")} of ${nodes} unknown`;
  }
  if (capacity === 0) return `no ${dimensionLabels[dimension]} on ${plural(nodes, "node")}`;
  if (dimension !== "gpu" && nodesWithoutUsage > 0 && nodesWithoutUsage < nodes) {
    return `use of ${plural(nodesWithoutUsage, "node")} unknown`;
  }
  return reserved > 0 ? `${formatAmount(dimension, reserved)} reserved` : "nothing reserved";
}

/** What the parts of a bar mean. */
export function MeterLegend() {
  return (
    <ul class="legend">
      <li>
        <span class="swatch swatch-used" /> used
      </li>
      <li>
        <span class="swatch swatch-granted" /> granted
      </li>
      <li>
        <span class="swatch swatch-reserved" /> reserved
      </li>
      <li>
        <span class="swatch swatch-free" /> free
      </li>
    </ul>
  );
}
