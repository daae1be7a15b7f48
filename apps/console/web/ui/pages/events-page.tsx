import type { ClusterModel } from "../../model/cluster-model.ts";
import { matchesFilter } from "../../model/filter.ts";
import { plural } from "../../model/format.ts";
import { EventList } from "../parts/event-list.tsx";
import { Empty, Panel } from "../parts/panel.tsx";

export function EventsPage({ model, filter }: { model: ClusterModel; filter: string }) {
  const events = model.events.filter(({ message, type, workload, allocation }) =>
    matchesFilter(filter, message, type, workload, allocation),
  );
  return (
    <div class="page">
      <div class="page-head">
        <h1>Events</h1>
        <p class="summary">the newest {plural(model.events.length, "event")}, live</p>
      </div>
      <Panel
        title="Newest first"
        note={filter === "" ? undefined : plural(events.length, "match", "matches")}
        flush
      >
        {events.length === 0 ? (
          <Empty title={filter === "" ? "Nothing has happened yet" : "Nothing matches"} />
        ) : (
          <EventList events={events.toReversed()} />
        )}
      </Panel>
    </div>
  );
}
