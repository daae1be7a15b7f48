import { formatAge } from "../../model/format.ts";
import { describeStale } from "../../model/freshness.ts";
import { useStore } from "../store-context.ts";

/** Over the greyed page: why it is not current, and how old it is. */
export function StaleBanner() {
  const { freshness, isOutdated, model } = useStore();
  if (isOutdated.value) {
    return <p class="banner">The console was updated. Reload this page to use it.</p>;
  }
  const now = freshness.value;
  if (now.kind === "live" || now.kind === "loading" || model.value === null) return null;
  const age = now.ageMs === null ? "" : ` What you see is ${formatAge(now.ageMs)} old.`;
  if (now.kind === "reconnecting") {
    return <p class="banner">The line to the console's server is down.{age}</p>;
  }
  return (
    <p class="banner">
      {describeStale(now.why)}
      {age}
    </p>
  );
}
