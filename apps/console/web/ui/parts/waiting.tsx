import type { NoFit, PendingGroup } from "@berth/protocol";
import {
  describeEstimatedStart,
  describeNearestFit,
  describePendingGroup,
  describeRejection,
  describeSmallerFit,
} from "@berth/protocol";
import { funnelOf } from "../../model/funnel.ts";
import { plural } from "../../model/format.ts";
import { nodeHref } from "../../model/route.ts";
import { useStore } from "../store-context.ts";
import { Glyph } from "./status.tsx";

/** Why a group of indexes waits; where no node fits, every node's way out of the running. */
export function PendingReason({ group }: { group: PendingGroup }) {
  const { now } = useStore();
  const { explanation } = group;
  return (
    <div class="waiting">
      <p class="waiting-text">
        <Glyph tone="pending" />
        <span>{describePendingGroup(group, { nowUnixMs: now.value.unixMs })}</span>
      </p>
      {explanation.reason === "no_fit" ? <FitFunnel noFit={explanation} /> : null}
    </div>
  );
}

function FitFunnel({ noFit }: { noFit: NoFit }) {
  const steps = funnelOf(noFit);
  return (
    <div class="funnel-box">
      <table class="funnel">
        <caption>
          {plural(noFit.nodesTotal, "node")}, each counted once, at the first step it fails
        </caption>
        <thead class="visually-hidden">
          <tr>
            <th scope="col">Step</th>
            <th scope="col">Share</th>
            <th scope="col">Fail</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          {steps.map(({ label, rejection, remainingShare, failedShare }) => (
            <tr key={`${rejection.code} ${rejection.subject ?? ""}`}>
              <th scope="row">{label}</th>
              <td class="funnel-bar">
                <div class="funnel-track" aria-hidden="true">
                  <div class="funnel-left" style={{ width: share(remainingShare) }} />
                  <div class="funnel-failed" style={{ width: share(failedShare) }} />
                </div>
              </td>
              <td class="number">−{rejection.nodes}</td>
              <td class="quiet">{describeRejection(rejection)}</td>
            </tr>
          ))}
          <tr class="funnel-end">
            <th scope="row">Fits</th>
            <td />
            <td class="number">0</td>
            <td />
          </tr>
        </tbody>
      </table>
      {noFit.nearest.length === 0 ? null : (
        <div class="nearest">
          <h3>Nearest fits</h3>
          <ol>
            {noFit.nearest.map((fit) => (
              <li key={fit.nodeId}>
                <a href={nodeHref(fit.nodeId)}>{describeNearestFit(fit)}</a>
              </li>
            ))}
          </ol>
        </div>
      )}
      <SmallerRequests noFit={noFit} />
    </div>
  );
}

/** What would fit now if it asked for less, and when it starts as it is. */
function SmallerRequests({ noFit }: { noFit: NoFit }) {
  const { now } = useStore();
  const { smaller = [], estimatedStartUnixMs = null } = noFit;
  return (
    <>
      {smaller.length === 0 ? null : (
        <div class="nearest">
          <h3>Smaller requests</h3>
          <ul>
            {smaller.map((fit) => (
              <li key={fit.dimension}>
                <a href={nodeHref(fit.nodeId)}>{describeSmallerFit(fit)}</a>
              </li>
            ))}
          </ul>
        </div>
      )}
      {estimatedStartUnixMs === null ? null : (
        <p class="quiet">{describeEstimatedStart(estimatedStartUnixMs, now.value.unixMs)}</p>
      )}
    </>
  );
}

function share(fraction: number): string {
  return `${(fraction * 100).toFixed(2)}%`;
}
