import type { WorkloadView } from "@berth/protocol";
import type { ClusterModel } from "../../model/cluster-model.ts";
import { matchesFilter } from "../../model/filter.ts";
import { formatCount, plural } from "../../model/format.ts";
import { workloadStatus } from "../../model/status-words.ts";
import { Empty, Panel } from "../parts/panel.tsx";
import { WorkloadLink } from "../parts/references.tsx";
import { Status } from "../parts/status.tsx";
import { Age } from "../parts/time.tsx";

const ROWS_DRAWN_MAX = 300;

export function WorkloadsPage({ model, filter }: { model: ClusterModel; filter: string }) {
  const workloads = [...model.workloads.values()]
    .filter(({ id, kind, status, reason }) => matchesFilter(filter, id, kind, status, reason))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const shown = workloads.slice(0, ROWS_DRAWN_MAX);
  return (
    <div class="page">
      <div class="page-head">
        <h1>Workloads</h1>
        <p class="summary">{plural(workloads.length, "workload")}</p>
      </div>
      <Panel title="All workloads" flush>
        {shown.length === 0 ? (
          <Empty title={filter === "" ? "Nothing has been submitted" : "No workload matches"}>
            {filter === ""
              ? "Submit one with: berth apply web.yaml"
              : "Change or clear the filter."}
          </Empty>
        ) : (
          <WorkloadTable workloads={shown} />
        )}
        {workloads.length > shown.length ? (
          <p class="table-more">
            {formatCount(workloads.length - shown.length)} more: use the filter
          </p>
        ) : null}
      </Panel>
    </div>
  );
}

function WorkloadTable({ workloads }: { workloads: readonly WorkloadView[] }) {
  return (
    <div class="table-scroll">
      <table>
        <caption class="visually-hidden">Workloads with status, counts and reason</caption>
        <thead>
          <tr>
            <th scope="col">Workload</th>
            <th scope="col">Kind</th>
            <th scope="col">Status</th>
            <th scope="col" class="number">
              Desired
            </th>
            <th scope="col" class="number">
              Running
            </th>
            <th scope="col" class="number">
              Healthy
            </th>
            <th scope="col" class="number">
              Waiting
            </th>
            <th scope="col" class="number">
              Complete
            </th>
            <th scope="col" class="wide">
              Reason
            </th>
            <th scope="col" class="number">
              Changed
            </th>
          </tr>
        </thead>
        <tbody>
          {workloads.map((workload) => (
            <WorkloadRow key={workload.id} workload={workload} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function WorkloadRow({ workload }: { workload: WorkloadView }) {
  return (
    <tr>
      <th scope="row">
        <WorkloadLink id={workload.id} />
      </th>
      <td class="quiet">{workload.kind}</td>
      <td>
        <Status status={workloadStatus(workload.status)} />
      </td>
      <td class="number">{formatCount(workload.desired)}</td>
      <td class="number">{formatCount(workload.running)}</td>
      <td class="number">{formatCount(workload.healthy)}</td>
      <td class="number">
        {workload.pending === 0 ? <span class="quiet">0</span> : formatCount(workload.pending)}
      </td>
      <td class="number">
        {workload.kind === "batch" ? formatCount(workload.complete) : <span class="quiet">–</span>}
      </td>
      <td class="wide quiet">
        <span class="two-lines" title={workload.reason ?? ""}>
          {workload.reason ?? ""}
        </span>
      </td>
      <td class="number">
        <Age atUnixMs={workload.updatedAtUnixMs} />
      </td>
    </tr>
  );
}
