import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface PanelProps {
  readonly title: string;
  /** Beside the title, quieter. */
  readonly note?: ComponentChildren;
  readonly class?: string;
  /** The content brings its own edges: a table, a list, a log. */
  readonly flush?: boolean;
  readonly children: ComponentChildren;
}

/** A titled section of a page. */
export function Panel({ title, note, children, flush, class: extra }: PanelProps) {
  const id = useId();
  return (
    <section class={`panel ${flush ? "panel-flush" : ""} ${extra ?? ""}`} aria-labelledby={id}>
      <header class="panel-head">
        <h2 id={id}>{title}</h2>
        {note === undefined ? null : <div class="panel-note">{note}</div>}
      </header>
      <div class="panel-body">{children}</div>
    </section>
  );
}

/** Says what is not there, and what would make it be there. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children === undefined ? null : <p class="empty-text">{children}</p>}
    </div>
  );
}

/** Something is on its way: the shape of it, without numbers. */
export function Skeleton({ rows = 3 }: { rows?: number }) {
  return (
    <div class="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        <span key={row} />
      ))}
    </div>
  );
}

export function Unknown() {
  return <span class="unknown">unknown</span>;
}
