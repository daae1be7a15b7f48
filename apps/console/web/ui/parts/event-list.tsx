import type { AllocationView, EventView } from "@berth/protocol";
import { formatDateTime, formatTime } from "../../model/format.ts";
import { allocationStatus, type Tone } from "../../model/status-words.ts";
import { allocationHref, nodeHref, workloadHref } from "../../model/route.ts";
import { useStore } from "../store-context.ts";
import { Glyph } from "./status.tsx";

/** Newest first. */
export function EventList({
  events,
  isBrief = false,
}: {
  events: readonly EventView[];
  isBrief?: boolean;
}) {
  const allocations = useStore().model.value?.allocations;
  const endedAs = ({ allocation }: EventView) =>
    allocation === null ? undefined : allocations?.get(allocation);
  return (
    <ol class={isBrief ? "events events-brief" : "events"}>
      {events.map((event) => (
        <li key={`${event.seq}.${event.position}`}>
          <Glyph tone={toneOf(event, endedAs(event))} />
          <time
            class="event-time"
            dateTime={new Date(event.atUnixMs).toISOString()}
            title={formatDateTime(event.atUnixMs)}
          >
            {formatTime(event.atUnixMs)}
          </time>
          <EventMessage event={event} />
        </li>
      ))}
    </ol>
  );
}

export function EventMessage({ event }: { event: EventView }) {
  const href = hrefOf(event);
  return href === null ? (
    <span class="event-message">{event.message}</span>
  ) : (
    <a class="event-message" href={href} title={event.message}>
      {event.message}
    </a>
  );
}

function hrefOf({ allocation, workload, node }: EventView): string | null {
  if (allocation !== null) return allocationHref(allocation);
  if (workload !== null) return workloadHref(workload);
  return node === null ? null : nodeHref(node);
}

/** By type; how an allocation ended is known from the allocation itself, while it is remembered. */
function toneOf({ type }: EventView, allocation: AllocationView | undefined): Tone {
  switch (type) {
    case "NodeRegistered":
    case "LeaderStarted":
      return "ok";
    case "AllocationRunning":
      return "running";
    case "AllocationPlaced":
    case "NodeStatusChanged":
    case "WorkloadApplied":
    case "WorkloadEvaluated":
      return "pending";
    case "AllocationStopRequested":
    case "NodeEligibilityChanged":
    case "WorkloadStopped":
      return "draining";
    case "AllocationFinished":
      return allocation === undefined ? "done" : allocationStatus(allocation).tone;
    default:
      return "done";
  }
}
