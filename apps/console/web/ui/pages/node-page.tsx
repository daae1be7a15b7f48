import type { NodeDetail, NodeView } from "@berth/protocol";
import { formatMemoryMiB, formatNetworkMbps } from "@berth/protocol";
import { apiPaths } from "../../feed/api-client.ts";
import { liveByNode } from "../../model/bin-map.ts";
import type { ClusterModel } from "../../model/cluster-model.ts";
import { shortNodeId } from "../../model/format.ts";
import { nodesHref } from "../../model/route.ts";
import { nodeStatus } from "../../model/status-words.ts";
import { AllocationTable } from "../parts/allocation-table.tsx";
import { BinMap } from "../parts/bin-map.tsx";
import { EventList } from "../parts/event-list.tsx";
import { Facts } from "../parts/facts.tsx";
import { MeterLegend } from "../parts/meter.tsx";
import { BeatAge } from "../parts/node-card.tsx";
import { Empty, Panel, Skeleton, Unknown } from "../parts/panel.tsx";
import { Status } from "../parts/status.tsx";
import { Age } from "../parts/time.tsx";
import { useDetail } from "../use-detail.ts";
import { MissingPage } from "./missing-page.tsx";

interface NodeProps {
  readonly model: ClusterModel;
  readonly id: string;
  readonly filter: string;
}

const EVENTS_SHOWN = 30;

export function NodePage({ model, id }: NodeProps) {
  const node = [...model.nodes.values()].find((each) => each.id === id);
  if (node === undefined) return <MissingPage what={`node ${shortNodeId(id)}`} />;
  const allocations = liveByNode(model.allocations.values()).get(node.id) ?? [];
  const events = model.events.filter((event) => event.node === node.id).slice(-EVENTS_SHOWN);
  return (
    <div class="page">
      <div class="page-head">
        <p class="crumb">
          <a href={nodesHref}>Nodes</a>
        </p>
        <h1>{node.name}</h1>
        <Status status={nodeStatus(node)} />
        <p class="summary">
          {node.statusReason} · for <Age atUnixMs={node.statusSinceUnixMs} /> ·{" "}
          <BeatAge node={node} />
        </p>
      </div>
      <Panel title="Packing" note={<MeterLegend />}>
        <BinMap node={node} allocations={allocations} />
      </Panel>
      <div class="columns">
        <Panel title="Allocations" note={`${allocations.length} live`} flush>
          {allocations.length === 0 ? (
            <Empty title="Nothing runs here" />
          ) : (
            <AllocationTable
              allocations={allocations}
              hide="node"
              caption={`Live allocations on ${node.name}`}
            />
          )}
        </Panel>
        <HardwarePanel node={node} />
      </div>
      <Panel title="Events" flush>
        {events.length === 0 ? (
          <Empty title="Nothing remembered about this node" />
        ) : (
          <EventList events={events.toReversed()} />
        )}
      </Panel>
    </div>
  );
}

/** The description changes when an agent registers anew, and then so does its boot or version. */
function HardwarePanel({ node }: { node: NodeView }) {
  const version = `${node.bootId} ${node.agentVersion}`;
  const detail = useDetail<NodeDetail>(apiPaths.node(node.id), version);
  return (
    <Panel title="Server">
      {detail === null ? (
        <Skeleton rows={6} />
      ) : detail.ok ? (
        <Hardware detail={detail.value} />
      ) : (
        <Empty title="Not available">{detail.error.message}</Empty>
      )}
    </Panel>
  );
}

function Hardware({ detail }: { detail: NodeDetail }) {
  const { hardware, agentVersion, labels, drivers } = detail.description;
  const { cpu } = hardware;
  const links = hardware.networkInterfaces.filter(({ up }) => up);
  return (
    <Facts
      facts={[
        ["Processor", cpu.model ?? <Unknown />],
        ["Cores", `${cpu.cores ?? "unknown"} cores, ${cpu.threads} threads, ${cpu.architecture}`],
        ["Memory", formatMemoryMiB(hardware.memoryMiB)],
        ["Disks", hardware.disks.map((disk) => diskText(disk)).join(", ") || "none found"],
        ["Network", links.map((link) => linkText(link)).join(", ") || "no link is up"],
        ["GPUs", gpusText(hardware.gpus)],
        ["System", `${hardware.operatingSystem}, ${hardware.kernel}`],
        ["Machine", [hardware.vendor, hardware.product].filter(Boolean).join(" ") || <Unknown />],
        [
          "Labels",
          Object.entries(labels)
            .map(([key, value]) => `${key}=${value}`)
            .join(", ") || "none",
        ],
        [
          "Drivers",
          drivers.map(({ name, available }) => (available ? name : `${name} (off)`)).join(", "),
        ],
        ["Agent", agentVersion],
        ["Id", <code key="id">{detail.id}</code>],
      ]}
    />
  );
}

type Hardware = NodeDetail["description"]["hardware"];

function diskText({ device, sizeMiB, mediaClass }: Hardware["disks"][number]): string {
  return `${device} ${formatMemoryMiB(sizeMiB)}${mediaClass === null ? "" : ` ${mediaClass}`}`;
}

/** Alike ones are counted: `4 × NVIDIA H100`. */
function gpusText(gpus: Hardware["gpus"]): string {
  const counts = new Map<string, number>();
  for (const { model } of gpus) counts.set(model, (counts.get(model) ?? 0) + 1);
  return [...counts].map(([model, count]) => `${count} × ${model}`).join(", ") || "none";
}

function linkText({ name, speedMbps }: Hardware["networkInterfaces"][number]): string {
  return `${name} ${speedMbps === null ? "speed unknown" : formatNetworkMbps(speedMbps)}`;
}
