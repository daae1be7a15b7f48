import type { AllocationView } from "@berth/protocol";
import { describeExit } from "@berth/protocol";
import { formatAmount } from "../../model/dimension.ts";
import { plural } from "../../model/format.ts";
import { allocationStatus } from "../../model/status-words.ts";
import { AllocationLink, NodeLink, WorkloadLink } from "./references.tsx";
import { Status } from "./status.tsx";
import { Age } from "./time.tsx";

interface AllocationTableProps {
  readonly allocations: readonly AllocationView[];
  /** What the page is about already needs no column. */
  readonly hide?: "workload" | "node";
  readonly caption: string;
}

const ROWS_DRAWN_MAX = 200;

export function AllocationTable({ allocations, hide, caption }: AllocationTableProps) {
  const shown = allocations.slice(0, ROWS_DRAWN_MAX);
  return (
    <>
      <div class="table-scroll">
        <table>
          <caption class="visually-hidden">{caption}</caption>
          <thead>
            <tr>
              <th scope="col">Allocation</th>
              <th scope="col">{hide === "workload" ? "Index" : "Workload"}</th>
              <th scope="col">Status</th>
              {hide === "node" ? null : <th scope="col">Node</th>}
              <th scope="col" class="number">
                CPU
              </th>
              <th scope="col" class="number">
                Memory
              </th>
              <th scope="col" class="wide">
                Last word
              </th>
              <th scope="col" class="number">
                Since
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((allocation) => (
              <AllocationRow key={allocation.id} allocation={allocation} hide={hide ?? null} />
            ))}
          </tbody>
        </table>
      </div>
      {allocations.length > shown.length ? (
        <p class="table-more">{plural(allocations.length - shown.length, "more")} not shown</p>
      ) : null}
    </>
  );
}

interface AllocationRowProps {
  readonly allocation: AllocationView;
  readonly hide: AllocationTableProps["hide"] | null;
}

function AllocationRow({ allocation, hide }: AllocationRowProps) {
  const { granted } = allocation;
  return (
    <tr>
      <th scope="row">
        <AllocationLink id={allocation.id} />
      </th>
      <td>
        {hide === "workload" ? (
          <>
            {allocation.index}
            {allocation.attempt > 1 ? <span class="quiet"> · try {allocation.attempt}</span> : null}
          </>
        ) : (
          <WorkloadLink id={allocation.workload} index={allocation.index} />
        )}
      </td>
      <td>
        <Status status={allocationStatus(allocation)} />
      </td>
      {hide === "node" ? null : (
        <td>
          <NodeLink id={allocation.node} name={allocation.nodeName} />
        </td>
      )}
      <td class="number">{formatAmount("cpu", granted.cpuMillis)}</td>
      <td class="number">{formatAmount("memory", granted.memoryMiB)}</td>
      <td class="wide quiet">
        <span class="two-lines" title={lastWord(allocation)}>
          {lastWord(allocation)}
        </span>
      </td>
      <td class="number">
        <Age atUnixMs={sinceUnixMs(allocation)} />
      </td>
    </tr>
  );
}

/** The newest thing known about it, in words. */
export function lastWord(allocation: AllocationView): string {
  const { exit, message, stopReason, status, health } = allocation;
  if (exit !== null) return message ?? `it ${describeExit(exit)}`;
  if (message !== null) return message;
  if (stopReason !== null) return stopReason.replace(/^.*\./, "").replaceAll("_", " ");
  if (status === "running" && health !== "none") return `check: ${health}`;
  return "";
}

function sinceUnixMs(allocation: AllocationView): number {
  return allocation.finishedAtUnixMs ?? allocation.startedAtUnixMs ?? allocation.placedAtUnixMs;
}
