import { homeHref } from "../../model/route.ts";
import { Empty } from "../parts/panel.tsx";

export function MissingPage({ what }: { what: string }) {
  return (
    <div class="page">
      <Empty title={`There is no ${what.replace(/^the /, "")}`}>
        It may have been removed. <a href={homeHref}>Back to the overview</a>
      </Empty>
    </div>
  );
}
