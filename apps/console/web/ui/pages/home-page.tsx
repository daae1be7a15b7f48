import type { NodeView } from "@berth/protocol";
import { liveByNode } from "../../model/bin-map.ts";
import type { ClusterModel } from "../../model/cluster-model.ts";
import { shownDimensions } from "../../model/dimension.ts";
import { matchesFilter } from "../../model/filter.ts";
import { plural } from "../../model/format.ts";
import { headroomOf, nodeHeadroom } from "../../model/headroom.ts";
import { findProblems, type Problem, type Severity } from "../../model/problems.ts";
import { eventsHref, nodesHref } from "../../model/route.ts";
import { nodeStatus, type Tone } from "../../model/status-words.ts";
import { EventList } from "../parts/event-list.tsx";
import { MeterCell, MeterLegend, MeterTile } from "../parts/meter.tsx";
import { NodeCard } from "../parts/node-card.tsx";
import { Empty, Panel } from "../parts/panel.tsx";
import { NodeLink } from "../parts/references.tsx";
import { Glyph, Status } from "../parts/status.tsx";
import { Age } from "../parts/time.tsx";
import { useStore } from "../store-context.ts";

interface HomeProps {
  readonly model: ClusterModel;
  readonly filter: string;
}

const EVENTS_SHOWN = 40;
const NODES_SHOWN = 12;
const BIN_MAPS_SHOWN = 3;
const PROBLEMS_SHOWN = 20;

/** What is broken, what waits and why, how much room there is, and what happened last. */
export function HomePage({ model, filter }: HomeProps) {
  return (
    <div class="page home">
      <div class="page-head">
        <h1>Overview</h1>
        <Summary model={model} />
        <MeterLegend />
      </div>
      <Capacity model={model} />
      <div class="home-columns">
        <div class="home-main">
          <Attention model={model} filter={filter} />
          <Nodes model={model} filter={filter} />
          <FewNodes model={model} filter={filter} />
        </div>
        <RecentEvents model={model} filter={filter} />
      </div>
    </div>
  );
}

function Summary({ model }: { model: ClusterModel }) {
  const { nodes, allocations, workloads } = model.cluster;
  return (
    <p class="summary">
      <strong>{nodes.ready}</strong> of {plural(nodes.total, "node")} ready
      <span class="dot" />
      <strong>{workloads}</strong> {workloads === 1 ? "workload" : "workloads"}
      <span class="dot" />
      <strong>{allocations.running}</strong> running
      <span class="dot" />
      <strong>{allocations.pending}</strong> waiting
    </p>
  );
}

function Capacity({ model }: { model: ClusterModel }) {
  const { telemetry, now } = useStore();
  return (
    <section class="tiles" aria-label="Capacity of the cluster">
      {shownDimensions.map((dimension) => (
        <MeterTile
          key={dimension}
          headroom={headroomOf(model.nodes.values(), telemetry.value, dimension, now.value.ms)}
        />
      ))}
    </section>
  );
}

const SEVERITY: Readonly<Record<Severity, { tone: Tone; word: string }>> = {
  broken: { tone: "failed", word: "broken" },
  degraded: { tone: "failed", word: "degraded" },
  waiting: { tone: "pending", word: "waiting" },
  notice: { tone: "draining", word: "notice" },
};

function Attention({ model, filter }: HomeProps) {
  const problems = findProblems(model).filter(({ subject, text }) =>
    matchesFilter(filter, subject, text),
  );
  const shown = problems.slice(0, PROBLEMS_SHOWN);
  return (
    <Panel title="Needs attention" note={problems.length === 0 ? "" : problems.length} flush>
      {shown.length === 0 ? (
        <Empty title={filter === "" ? "Nothing is broken, nothing waits" : "Nothing matches"} />
      ) : (
        <ul class="problems">
          {shown.map((problem) => (
            <ProblemRow key={problem.key} problem={problem} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function ProblemRow({ problem }: { problem: Problem }) {
  const { tone, word } = SEVERITY[problem.severity];
  return (
    <li>
      <a href={problem.href}>
        <Glyph tone={tone} />
        <span class="problem-word">{word}</span>
        <span class="problem-subject">
          <span class="quiet">{problem.kind}</span> {problem.subject}
        </span>
        <span class="problem-age">
          <Age atUnixMs={problem.sinceUnixMs} />
        </span>
        <span class="problem-text">{problem.text}</span>
      </a>
    </li>
  );
}

function Nodes({ model, filter }: HomeProps) {
  const nodes = [...model.nodes.values()].filter((node) =>
    matchesFilter(filter, node.name, node.id),
  );
  const shown = nodes.slice(0, NODES_SHOWN);
  return (
    <Panel title="Nodes" note={<a href={nodesHref}>Bin maps</a>} flush>
      {shown.length === 0 ? (
        <Empty title={filter === "" ? "No node has joined" : "Nothing matches"}>
          {filter === "" ? "Start an agent with: berth agent" : "Change or clear the filter."}
        </Empty>
      ) : (
        <div class="table-scroll">
          <table class="table-meters">
            <caption class="visually-hidden">Nodes with what they have, granted and used</caption>
            <thead>
              <tr>
                <th scope="col">Node</th>
                <th scope="col">Status</th>
                <th scope="col">CPU</th>
                <th scope="col">Memory</th>
                <th scope="col">Disk</th>
                <th scope="col">Network</th>
                <th scope="col">GPU</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((node) => (
                <NodeRow key={node.id} node={node} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {nodes.length > shown.length ? (
        <p class="table-more">
          <a href={nodesHref}>{plural(nodes.length - shown.length, "more node")}</a>
        </p>
      ) : null}
    </Panel>
  );
}

/** Where there is room for it: how the nodes are packed. */
function FewNodes({ model, filter }: HomeProps) {
  if (model.nodes.size > BIN_MAPS_SHOWN) return null;
  const live = liveByNode(model.allocations.values());
  return [...model.nodes.values()]
    .filter((node) => matchesFilter(filter, node.name, node.id))
    .map((node) => <NodeCard key={node.id} node={node} allocations={live.get(node.id) ?? []} />);
}

function NodeRow({ node }: { node: NodeView }) {
  const { telemetry, now } = useStore();
  return (
    <tr class={node.status === "down" ? "node-down" : ""}>
      <th scope="row">
        <NodeLink id={node.id} name={node.name} />
      </th>
      <td>
        <Status status={nodeStatus(node)} />
      </td>
      {shownDimensions.map((dimension) => (
        <td key={dimension}>
          <MeterCell headroom={nodeHeadroom(node, telemetry.value, dimension, now.value.ms)} />
        </td>
      ))}
    </tr>
  );
}

function RecentEvents({ model, filter }: HomeProps) {
  const events = model.events
    .filter(({ message, type }) => matchesFilter(filter, message, type))
    .slice(-EVENTS_SHOWN)
    .reverse();
  return (
    <Panel title="Events" note={<a href={eventsHref}>All</a>} class="home-events" flush>
      {events.length === 0 ? (
        <Empty title="Nothing has happened yet" />
      ) : (
        <EventList events={events} isBrief />
      )}
    </Panel>
  );
}
