import { formatAge, formatDateTime } from "../../model/format.ts";
import { useStore } from "../store-context.ts";

/** How long ago, moving; the exact time on hover. */
export function Age({ atUnixMs, suffix = "" }: { atUnixMs: number; suffix?: string }) {
  const { now } = useStore();
  const age = formatAge(now.value.unixMs - atUnixMs);
  return (
    <time class="age" dateTime={new Date(atUnixMs).toISOString()} title={formatDateTime(atUnixMs)}>
      {age === "now" ? age : `${age}${suffix}`}
    </time>
  );
}
