import type { AllocationView, NodeView } from "@berth/protocol";
import { type AllocationUse, type Block, type Lane, layOutLane } from "../../model/bin-map.ts";
import {
  dimensionLabels,
  formatAmount,
  type ShownDimension,
  shownDimensions,
} from "../../model/dimension.ts";
import { allocationHref } from "../../model/route.ts";
import { allocationUsages } from "../../model/telemetry-model.ts";
import { preferredColour } from "../../model/workload-colours.ts";
import { useStore } from "../store-context.ts";

interface BinMapProps {
  readonly node: NodeView;
  /** Live ones, in the order in which they are drawn. */
  readonly allocations: readonly AllocationView[];
  readonly highlight?: string;
}

/** A node as it is packed: a lane for each dimension, a block for each allocation. */
export function BinMap({ node, allocations, highlight }: BinMapProps) {
  const store = useStore();
  const usages = allocationUsages(store.telemetry.value, store.now.value.ms);
  const useOf = (id: AllocationView["id"]): AllocationUse | undefined => usages.get(id);
  return (
    <div class="binmap">
      {shownDimensions.map((dimension) => (
        <LaneRow
          key={dimension}
          lane={layOutLane(node, allocations, dimension, useOf)}
          nodeName={node.name}
          highlight={highlight ?? null}
        />
      ))}
    </div>
  );
}

interface LaneRowProps {
  readonly lane: Lane;
  readonly nodeName: string;
  readonly highlight: string | null;
}

function LaneRow({ lane, nodeName, highlight }: LaneRowProps) {
  const { dimension, capacity, blocks, reservedSize } = lane;
  const label = dimensionLabels[dimension];
  return (
    <div class="lane">
      <span class="lane-label">{label}</span>
      {capacity === null ? (
        <div class="lane-track lane-unknown">
          <span>capacity unknown</span>
        </div>
      ) : capacity === 0 ? (
        <div class="lane-track lane-none">
          <span>none</span>
        </div>
      ) : (
        <div class="lane-track" role="group" aria-label={`${label} of ${nodeName}`}>
          {reservedSize > 0 ? (
            <div
              class="lane-reserved"
              style={{ width: percent(reservedSize) }}
              title={`${formatAmount(dimension, lane.reserved)} reserved for the system`}
            />
          ) : null}
          {blocks.map((block) => (
            <BlockLink
              key={block.allocation}
              block={block}
              dimension={dimension}
              isHighlighted={block.allocation === highlight}
            />
          ))}
        </div>
      )}
      <span class="lane-figures">{laneFigures(lane)}</span>
    </div>
  );
}

interface BlockLinkProps {
  readonly block: Block;
  readonly dimension: ShownDimension;
  readonly isHighlighted: boolean;
}

/** The same allocation is in several lanes: only the first one is a stop for the keyboard. */
function BlockLink({ block, dimension, isHighlighted }: BlockLinkProps) {
  const { colours } = useStore();
  const colour = colours.value.get(block.workload) ?? preferredColour(block.workload);
  const name = `${block.workload}[${block.index}]`;
  const use = block.used === null ? "use unknown" : `${Math.round(block.used * 100)}% used`;
  const text = `${block.allocation} ${name}: ${formatAmount(dimension, block.amount)} granted, ${use}`;
  const classes = [
    "block",
    `workload-${colour}`,
    block.isStopping ? "block-stopping" : "",
    isHighlighted ? "block-highlight" : "",
  ];
  return (
    <a
      class={classes.join(" ")}
      href={allocationHref(block.allocation)}
      style={{ left: percent(block.start), width: percent(block.size) }}
      title={text}
      aria-label={text}
      tabIndex={dimension === "cpu" ? 0 : -1}
    >
      {block.used === null ? null : (
        <span class="block-used" style={{ width: percent(block.used) }} />
      )}
      <span class="block-name">{shortName(block)}</span>
    </a>
  );
}

function shortName({ workload, index }: Block): string {
  return `${workload.slice(workload.indexOf("/") + 1)}[${index}]`;
}

function laneFigures({ dimension, capacity, granted, free }: Lane) {
  if (capacity === 0) return null;
  return (
    <>
      {formatAmount(dimension, granted)}
      <span class="quiet">
        {" / "}
        {capacity === null ? "unknown" : formatAmount(dimension, capacity)}
        {free === null ? null : (
          <span class="lane-free"> · {formatAmount(dimension, free)} free</span>
        )}
      </span>
    </>
  );
}

function percent(fraction: number): string {
  return `${(Math.min(1, fraction) * 100).toFixed(3)}%`;
}
