import { dimensionLabels, formatAmount, unitNoun } from "../../model/dimension.ts";
import type { Headroom } from "../../model/headroom.ts";
import { plural } from "../../model/format.ts";

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
  const { dimension, capacity, granted, used, reserved } = headroom;
  const label = dimensionLabels[dimension];
  const has = capacity !== null && capacity > 0;
  const percent = has ? Math.round((granted / capacity) * 100) : null;
  return (
    <div class="tile">
      <div class="tile-head">
        <span class="tile-label">{label}</span>
        <span class="tile-figure">
          {capacity === 0 ? (
            "none"
          ) : percent === null ? (
            <span class="unknown">unknown</span>
          ) : (
            `${percent}%`
          )}
          {percent === null ? null : <small> granted</small>}
        </span>
      </div>
      {capacity === 0 ? (
        <div class="meter meter-none" aria-hidden="true" />
      ) : (
        <MeterBar headroom={headroom} />
      )}
      <dl class="tile-facts">
        <div>
          <dt>Used</dt>
          <dd>
            {used === null ? <span class="unknown">unknown</span> : formatAmount(dimension, used)}
          </dd>
        </div>
        <div>
          <dt>Granted</dt>
          <dd>{formatAmount(dimension, granted)}</dd>
        </div>
        <div>
          <dt>Total</dt>
          <dd>
            {capacity === null ? <span class="unknown">unknown</span> : capacityText(headroom)}
          </dd>
        </div>
      </dl>
      <p class="tile-note">{noteOf(headroom, reserved)}</p>
    </div>
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

function capacityText({ dimension, capacity }: Headroom): string {
  const noun = unitNoun(dimension);
  return `${formatAmount(dimension, capacity ?? 0)}${noun === "" ? "" : ` ${noun}`}`;
}

function noteOf(headroom: Headroom, reserved: number): string {
  const { dimension, nodes, nodesWithoutCapacity, nodesWithoutUsage, capacity } = headroom;
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
