import type { ComponentChildren } from "preact";
import type { AllocationView, NodeView, Why } from "@berth/protocol";
import { describeExit } from "@berth/protocol";
import { apiPaths } from "../../feed/api-client.ts";
import {
  type AllocationUse,
  grantedAmount,
  isLive,
  liveByNode,
  usedAmount,
} from "../../model/bin-map.ts";
import type { ClusterModel } from "../../model/cluster-model.ts";
import {
  dimensionLabels,
  formatAmount,
  type ShownDimension,
  shownDimensions,
} from "../../model/dimension.ts";
import { formatDateTime } from "../../model/format.ts";
import { allocationStatus, healthWord } from "../../model/status-words.ts";
import { allocationUsages } from "../../model/telemetry-model.ts";
import { lastWord } from "../parts/allocation-table.tsx";
import { BinMap } from "../parts/bin-map.tsx";
import { Facts } from "../parts/facts.tsx";
import { LogView } from "../parts/log-view.tsx";
import { Panel, Unknown } from "../parts/panel.tsx";
import { PlacementTable } from "../parts/placement.tsx";
import { NodeLink, WorkloadLink } from "../parts/references.tsx";
import { Status } from "../parts/status.tsx";
import { Age } from "../parts/time.tsx";
import { useStore } from "../store-context.ts";
import { useDetail } from "../use-detail.ts";
import { MissingPage } from "./missing-page.tsx";

interface AllocationProps {
  readonly model: ClusterModel;
  readonly id: string;
  readonly stream: "stdout" | "stderr";
}

export function AllocationPage({ model, id, stream }: AllocationProps) {
  const store = useStore();
  const allocation = [...model.allocations.values()].find((each) => each.id === id);
  if (allocation === undefined) return <MissingPage what={`allocation ${id}`} />;
  const use = allocationUsages(store.telemetry.value, store.now.value.ms).get(allocation.id);
  const node = model.nodes.get(allocation.node);
  return (
    <div class="page">
      <div class="page-head">
        <p class="crumb">
          <WorkloadLink id={allocation.workload} />
        </p>
        <h1>
          {allocation.id} <span class="quiet">[{allocation.index}]</span>
        </h1>
        <Status status={allocationStatus(allocation)} />
        <p class="summary">{lastWord(allocation)}</p>
      </div>
      <div class="allocation-columns">
        <Panel title="State">
          <State allocation={allocation} />
        </Panel>
        <Panel title="Grant and use" note={isLive(allocation) ? undefined : "as granted"}>
          <GrantTable allocation={allocation} use={use} />
        </Panel>
        <WhyHere allocation={allocation} />
      </div>
      <Panel title="Output" flush>
        <LogView allocation={allocation.id} stream={stream} key={`${allocation.id} ${stream}`} />
      </Panel>
      {node === undefined || !isLive(allocation) ? null : (
        <Place node={node} allocation={allocation} model={model} />
      )}
    </div>
  );
}

function Place({
  node,
  allocation,
  model,
}: {
  node: NodeView;
  allocation: AllocationView;
  model: ClusterModel;
}) {
  const there = liveByNode(model.allocations.values()).get(node.id) ?? [];
  return (
    <Panel title="On its node" note={<NodeLink id={node.id} name={node.name} />}>
      <BinMap node={node} allocations={there} highlight={allocation.id} />
    </Panel>
  );
}

function State({ allocation }: { allocation: AllocationView }) {
  const { exit, health, pid, placedAtUnixMs, startedAtUnixMs, finishedAtUnixMs } = allocation;
  const ports = Object.entries(allocation.granted.ports);
  const facts: [string, ComponentChildren][] = [
    ["Health", <Status key="health" status={healthWord(health)} />],
    ["Node", <NodeLink key="node" id={allocation.node} name={allocation.nodeName} />],
    [
      "Ports",
      ports.length === 0 ? "none" : ports.map(([name, port]) => `${name} ${port}`).join(", "),
    ],
    ["Process", pid === null ? <Unknown key="pid" /> : <span class="mono">pid {pid}</span>],
    ["Placed", <Moment key="placed" atUnixMs={placedAtUnixMs} />],
    [
      "Started",
      startedAtUnixMs === null ? "not yet" : <Moment key="started" atUnixMs={startedAtUnixMs} />,
    ],
    ["Version", `${allocation.workloadVersion}, try ${allocation.attempt}`],
  ];
  if (finishedAtUnixMs !== null)
    facts.push(["Ended", <Moment key="ended" atUnixMs={finishedAtUnixMs} />]);
  if (exit !== null) facts.unshift(["Exit", `it ${describeExit(exit)}`]);
  return <Facts facts={facts} />;
}

function Moment({ atUnixMs }: { atUnixMs: number }) {
  return (
    <>
      {formatDateTime(atUnixMs)}{" "}
      <span class="quiet">
        (<Age atUnixMs={atUnixMs} suffix=" ago" />)
      </span>
    </>
  );
}

interface GrantTableProps {
  readonly allocation: AllocationView;
  readonly use: AllocationUse | undefined;
}

function GrantTable({ allocation, use }: GrantTableProps) {
  return (
    <table class="compact">
      <caption class="visually-hidden">What was granted and what is used, by dimension</caption>
      <thead>
        <tr>
          <th scope="col">Dimension</th>
          <th scope="col" class="number">
            Granted
          </th>
          <th scope="col" class="number">
            Used
          </th>
          <th scope="col" class="grant-bar">
            Share
          </th>
        </tr>
      </thead>
      <tbody>
        {shownDimensions.map((dimension) => (
          <GrantRow
            key={dimension}
            dimension={dimension}
            granted={grantedAmount(allocation.granted, dimension)}
            used={isLive(allocation) ? usedAmount(use, dimension) : null}
            isLive={isLive(allocation)}
          />
        ))}
      </tbody>
    </table>
  );
}

interface GrantRowProps {
  readonly dimension: ShownDimension;
  readonly granted: number;
  readonly used: number | null;
  readonly isLive: boolean;
}

function GrantRow({ dimension, granted, used, isLive: isRunning }: GrantRowProps) {
  const share = used === null || granted === 0 ? null : used / granted;
  return (
    <tr>
      <th scope="row">{dimensionLabels[dimension]}</th>
      <td class="number">
        {granted === 0 ? <span class="quiet">none</span> : formatAmount(dimension, granted)}
      </td>
      <td class="number">{usedText(dimension, granted, used, isRunning)}</td>
      <td class="grant-bar">
        {share === null ? null : (
          <div
            class={`share ${share > 1 ? "share-over" : ""}`}
            title={`${Math.round(share * 100)}%`}
          >
            <div style={{ width: `${Math.min(100, share * 100).toFixed(1)}%` }} />
          </div>
        )}
      </td>
    </tr>
  );
}

function usedText(
  dimension: ShownDimension,
  granted: number,
  used: number | null,
  isRunning: boolean,
): ComponentChildren {
  if (used !== null) return formatAmount(dimension, used);
  if (!isRunning || granted === 0) return <span class="quiet">–</span>;
  return <Unknown />;
}

function WhyHere({ allocation }: { allocation: AllocationView }) {
  const slash = allocation.workload.indexOf("/");
  const path = apiPaths.why(
    allocation.workload.slice(0, slash),
    allocation.workload.slice(slash + 1),
  );
  const why = useDetail<Why>(path, allocation.status);
  if (why === null || !why.ok) return null;
  const placed = why.value.placed.find((each) => each.allocation.id === allocation.id);
  if (!placed?.why) return null;
  return (
    <Panel title="Why here">
      <PlacementTable explanation={placed.why} />
    </Panel>
  );
}
