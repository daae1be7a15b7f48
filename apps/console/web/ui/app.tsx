import { useEffect } from "preact/hooks";
import type { ClusterModel } from "../model/cluster-model.ts";
import type { Route } from "../model/route.ts";
import { AllocationPage } from "./pages/allocation-page.tsx";
import { EventsPage } from "./pages/events-page.tsx";
import { HomePage } from "./pages/home-page.tsx";
import { MissingPage } from "./pages/missing-page.tsx";
import { NodePage } from "./pages/node-page.tsx";
import { NodesPage } from "./pages/nodes-page.tsx";
import { WorkloadPage } from "./pages/workload-page.tsx";
import { WorkloadsPage } from "./pages/workloads-page.tsx";
import { Skeleton } from "./parts/panel.tsx";
import { Navigation } from "./shell/navigation.tsx";
import { StaleBanner } from "./shell/stale-banner.tsx";
import { TopBar } from "./shell/top-bar.tsx";
import { useStore } from "./store-context.ts";

export function App() {
  const store = useStore();
  const model = store.model.value;
  const route = store.route.value;
  const isStale = model !== null && store.freshnessKind.value !== "live";
  useEffect(() => {
    document.title = `${titleOf(route)} · Berth`;
  }, [route]);
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={focusMain}>
        Skip to content
      </a>
      <Navigation model={model} page={route.page} />
      <TopBar model={model} route={route} />
      <main id="main" tabIndex={-1} class={isStale ? "stale" : ""}>
        <StaleBanner />
        {model === null ? <Loading /> : <Page model={model} route={route} />}
      </main>
    </div>
  );
}

function Page({ model, route }: { model: ClusterModel; route: Route }) {
  switch (route.page) {
    case "home":
      return <HomePage model={model} filter={route.filter} />;
    case "nodes":
      return <NodesPage model={model} filter={route.filter} />;
    case "node":
      return <NodePage model={model} id={route.id} filter={route.filter} />;
    case "workloads":
      return <WorkloadsPage model={model} filter={route.filter} />;
    case "workload":
      return <WorkloadPage model={model} project={route.project} name={route.name} />;
    case "allocation":
      return <AllocationPage model={model} id={route.id} stream={route.stream} />;
    case "events":
      return <EventsPage model={model} filter={route.filter} />;
    case "missing":
      return <MissingPage what={`the page ${route.path}`} />;
  }
}

function Loading() {
  return (
    <div class="page">
      <h1>Connecting</h1>
      <Skeleton rows={6} />
    </div>
  );
}

/** The hash is the route: the link must not change it. */
function focusMain(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function titleOf(route: Route): string {
  switch (route.page) {
    case "home":
      return "Overview";
    case "nodes":
      return "Nodes";
    case "workloads":
      return "Workloads";
    case "events":
      return "Events";
    case "node":
      return "Node";
    case "workload":
      return `${route.project}/${route.name}`;
    case "allocation":
      return route.id;
    case "missing":
      return "Not found";
  }
}
