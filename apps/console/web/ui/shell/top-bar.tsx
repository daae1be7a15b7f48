import { useEffect, useRef } from "preact/hooks";
import type { ClusterModel } from "../../model/cluster-model.ts";
import { formatCount } from "../../model/format.ts";
import { formatRoute, type Route } from "../../model/route.ts";
import { FreshnessChip } from "./freshness-chip.tsx";

interface TopBarProps {
  readonly model: ClusterModel | null;
  readonly route: Route;
}

export function TopBar({ model, route }: TopBarProps) {
  return (
    <header class="top">
      {model === null ? (
        <div class="top-facts" />
      ) : (
        <dl class="top-facts">
          <Fact name="Cluster" value={model.cluster.clusterId || "none yet"} />
          <Fact name="Leader" value={model.cluster.leader || "none yet"} />
          <Fact name="Term" value={formatCount(model.cluster.term)} />
          <Fact name="Seq" value={formatCount(model.seq)} />
        </dl>
      )}
      <FilterField route={route} />
      <FreshnessChip />
    </header>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div class={`fact-${name.toLowerCase()}`}>
      <dt>{name}</dt>
      <dd title={value}>{value}</dd>
    </div>
  );
}

/** Filters the lists of whatever page is open. `/` goes there, Escape clears and leaves it. */
function FilterField({ route }: { route: Route }) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const focusOnSlash = (event: KeyboardEvent) => {
      if (event.key !== "/" || isTyping(event.target) || hasModifier(event)) return;
      event.preventDefault();
      input.current?.focus();
    };
    document.addEventListener("keydown", focusOnSlash);
    return () => document.removeEventListener("keydown", focusOnSlash);
  }, []);
  const setFilter = (filter: string) => {
    history.replaceState(null, "", formatRoute({ ...route, filter }));
    window.dispatchEvent(new Event("hashchange"));
  };
  return (
    <search class="filter">
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <circle cx="7" cy="7" r="4.2" />
        <path d="m10.2 10.2 3.3 3.3" />
      </svg>
      <input
        ref={input}
        type="search"
        aria-label="Filter this page"
        placeholder="Filter"
        autocomplete="off"
        spellcheck={false}
        value={route.filter}
        onInput={(event) => setFilter(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          setFilter("");
          input.current?.blur();
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </search>
  );
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

function hasModifier({ ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  return ctrlKey || metaKey || altKey;
}
