import type { ComponentChildren } from "preact";
import type { ClusterModel } from "../../model/cluster-model.ts";
import { formatCount } from "../../model/format.ts";
import { findProblems } from "../../model/problems.ts";
import { eventsHref, homeHref, nodesHref, type Route, workloadsHref } from "../../model/route.ts";

interface NavigationProps {
  readonly model: ClusterModel | null;
  readonly page: Route["page"];
}

export function Navigation({ model, page }: NavigationProps) {
  const broken = model === null ? 0 : findProblems(model).filter(isBad).length;
  return (
    <nav class="nav" aria-label="Sections">
      <a class="brand" href={homeHref}>
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M6 6v20h20V6" class="brand-quay" />
          <rect x="10.5" y="18" width="11" height="4.2" rx="1" class="brand-one" />
          <rect x="10.5" y="12" width="6.5" height="4.2" rx="1" class="brand-two" />
        </svg>
        <span>Berth</span>
      </a>
      <ul>
        <NavItem href={homeHref} label="Overview" isCurrent={page === "home"} alert={broken}>
          <path d="M2.5 7.2 8 2.7l5.5 4.5v6h-4v-3.6h-3v3.6h-4z" />
        </NavItem>
        <NavItem
          href={nodesHref}
          label="Nodes"
          isCurrent={page === "nodes" || page === "node"}
          count={model?.nodes.size}
        >
          <path d="M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01" />
        </NavItem>
        <NavItem
          href={workloadsHref}
          label="Workloads"
          isCurrent={page === "workloads" || page === "workload" || page === "allocation"}
          count={model?.workloads.size}
        >
          <path d="m8 2.2 5.2 2.9v5.8L8 13.8l-5.2-2.9V5.1zM2.8 5.1 8 8l5.2-2.9M8 8v5.8" />
        </NavItem>
        <NavItem href={eventsHref} label="Events" isCurrent={page === "events"}>
          <path d="M2.5 3.5h11M2.5 8h11M2.5 12.5h7" />
        </NavItem>
      </ul>
      {model === null ? null : <p class="nav-version">version {model.cluster.version}</p>}
    </nav>
  );
}

interface NavItemProps {
  readonly href: string;
  readonly label: string;
  readonly isCurrent: boolean;
  readonly count?: number | undefined;
  readonly alert?: number;
  readonly children: ComponentChildren;
}

function NavItem({ href, label, isCurrent, count, alert = 0, children }: NavItemProps) {
  return (
    <li>
      <a href={href} aria-current={isCurrent ? "page" : undefined}>
        <svg class="nav-icon" viewBox="0 0 16 16" aria-hidden="true">
          {children}
        </svg>
        <span class="nav-label">{label}</span>
        {count === undefined ? null : <span class="nav-count">{formatCount(count)}</span>}
        {alert === 0 ? null : (
          <span class="nav-alert" aria-label={`${alert} broken`}>
            {alert}
          </span>
        )}
      </a>
    </li>
  );
}

function isBad({ severity }: { severity: string }): boolean {
  return severity === "broken" || severity === "degraded";
}
