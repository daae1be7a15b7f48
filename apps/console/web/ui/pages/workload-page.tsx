import type { AllocationView, Why, WorkloadDetail, WorkloadView } from "@berth/protocol";
import { apiPaths } from "../../feed/api-client.ts";
import { byAllocationNumber, isLive } from "../../model/bin-map.ts";
import type { ClusterModel } from "../../model/cluster-model.ts";
import { formatCount, plural } from "../../model/format.ts";
import { workloadsHref } from "../../model/route.ts";
import { workloadStatus } from "../../model/status-words.ts";
import { AllocationTable } from "../parts/allocation-table.tsx";
import { Empty, Panel, Skeleton } from "../parts/panel.tsx";
import { PlacementTable } from "../parts/placement.tsx";
import { AllocationLink, NodeLink } from "../parts/references.tsx";
import { SpecFacts } from "../parts/spec-facts.tsx";
import { Status } from "../parts/status.tsx";
import { Age } from "../parts/time.tsx";
import { PendingReason } from "../parts/waiting.tsx";
import { useDetail } from "../use-detail.ts";
import { MissingPage } from "./missing-page.tsx";

interface WorkloadProps {
  readonly model: ClusterModel;
  readonly project: string;
  readonly name: string;
}

const PLACEMENTS_SHOWN = 20;

export function WorkloadPage({ model, project, name }: WorkloadProps) {
  const workload = [...model.workloads.values()].find(
    (each) => each.project === project && each.name === name,
  );
  const why = useDetail<Why>(apiPaths.why(project, name), workload);
  if (workload === undefined) return <MissingPage what={`workload ${project}/${name}`} />;
  const allocations = [...model.allocations.values()]
    .filter((allocation) => allocation.workload === workload.id)
    .sort(liveThenNewest);
  return (
    <div class="page">
      <div class="page-head">
        <p class="crumb">
          <a href={workloadsHref}>Workloads</a>
        </p>
        <h1>{workload.id}</h1>
        <Status status={workloadStatus(workload.status)} />
        <p class="summary">
          {workload.kind} · version {workload.version} · changed{" "}
          <Age atUnixMs={workload.updatedAtUnixMs} suffix=" ago" />
        </p>
      </div>
      <Counts workload={workload} />
      <Waiting workload={workload} why={why} />
      <div class="columns">
        <div class="stack">
          <Panel
            title="Allocations"
            note={plural(allocations.length, "remembered", "remembered")}
            flush
          >
            {allocations.length === 0 ? (
              <Empty title="Nothing of it has been placed yet" />
            ) : (
              <AllocationTable
                allocations={allocations}
                hide="workload"
                caption={`Allocations of ${workload.id}`}
              />
            )}
          </Panel>
          <Placements why={why} />
        </div>
        <SpecPanel workload={workload} />
      </div>
    </div>
  );
}

function Counts({ workload }: { workload: WorkloadView }) {
  const counts: readonly (readonly [string, number])[] = [
    ["Desired", workload.desired],
    ["Running", workload.running],
    ["Healthy", workload.healthy],
    ["Waiting", workload.pending],
    ...(workload.kind === "batch" ? ([["Complete", workload.complete]] as const) : []),
    ["Failed", workload.failed],
  ];
  return (
    <dl class="counts">
      {counts.map(([label, count]) => (
        <div key={label} class={count === 0 ? "count-zero" : ""}>
          <dt>{label}</dt>
          <dd>{formatCount(count)}</dd>
        </div>
      ))}
    </dl>
  );
}

type FetchedWhy = ReturnType<typeof useDetail<Why>>;

function Waiting({ workload, why }: { workload: WorkloadView; why: FetchedWhy }) {
  if (workload.pending === 0 && workload.reason === null) return null;
  const groups = why?.ok ? why.value.pending : [];
  return (
    <Panel
      title="Why it waits"
      note={workload.pending > 0 ? plural(workload.pending, "waiting", "waiting") : undefined}
    >
      {why === null ? <Skeleton rows={3} /> : null}
      {why !== null && groups.length === 0 && workload.reason !== null ? (
        <p>{workload.reason}</p>
      ) : null}
      {groups.map((group) => (
        <PendingReason key={JSON.stringify(group.indexes)} group={group} />
      ))}
    </Panel>
  );
}

/** Why each live allocation is where it is: the scores of the best candidates. */
function Placements({ why }: { why: FetchedWhy }) {
  const placed = why?.ok ? why.value.placed.filter(({ allocation }) => isLive(allocation)) : [];
  if (placed.length === 0) return null;
  return (
    <Panel title="Why here" note="candidates by score" flush>
      <div class="placements">
        {placed.slice(0, PLACEMENTS_SHOWN).map(({ allocation, why: explanation }) => (
          <div class="placement" key={allocation.id}>
            <p class="placement-head">
              <AllocationLink id={allocation.id} /> on{" "}
              <NodeLink id={allocation.node} name={allocation.nodeName} />
            </p>
            {explanation === null ? (
              <p class="quiet">not remembered</p>
            ) : (
              <PlacementTable explanation={explanation} />
            )}
          </div>
        ))}
      </div>
    </Panel>
  );
}

function SpecPanel({ workload }: { workload: WorkloadView }) {
  const path = apiPaths.workload(workload.project, workload.name);
  const detail = useDetail<WorkloadDetail>(path, workload.version);
  return (
    <Panel title="Spec">
      {detail === null ? (
        <Skeleton rows={5} />
      ) : detail.ok ? (
        <SpecFacts spec={detail.value.spec} />
      ) : (
        <Empty title="Not available">{detail.error.message}</Empty>
      )}
    </Panel>
  );
}

function liveThenNewest(a: AllocationView, b: AllocationView): number {
  const [aLive, bLive] = [isLive(a), isLive(b)];
  if (aLive !== bLive) return aLive ? -1 : 1;
  return aLive ? a.index - b.index : byAllocationNumber(b, a);
}
