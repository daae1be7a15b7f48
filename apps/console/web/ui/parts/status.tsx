import type { ComponentChildren } from "preact";
import type { StatusWord, Tone } from "../../model/status-words.ts";

/** Each tone has its own shape, so that colour is never the only sign. */
const SHAPES: Readonly<Record<Tone, ComponentChildren>> = {
  ok: (
    <>
      <circle cx="6" cy="6" r="5.5" class="fill" />
      <path d="M3.4 6.2 5.2 8l3.4-3.9" class="cut" />
    </>
  ),
  running: (
    <>
      <circle cx="6" cy="6" r="5.5" class="fill" />
      <path d="M4.8 3.7v4.6L8.5 6z" class="cut-fill" />
    </>
  ),
  pending: (
    <>
      <circle cx="6" cy="6" r="4.6" class="ring" />
      <path d="M6 3.3V6l1.8 1.2" class="ring" />
    </>
  ),
  failed: (
    <>
      <path d="M3.7.5h4.6l3.2 3.2v4.6l-3.2 3.2H3.7L.5 8.3V3.7z" class="fill" />
      <path d="m4 4 4 4m0-4L4 8" class="cut" />
    </>
  ),
  draining: (
    <>
      <rect x=".5" y=".5" width="11" height="11" rx="2.5" class="fill" />
      <path d="M6 3v5.2M3.6 6 6 8.4 8.4 6" class="cut" />
    </>
  ),
  done: <path d="m1.8 6.4 3 3 5.6-6.6" class="line" />,
};

export function Glyph({ tone }: { tone: Tone }) {
  return (
    <svg class={`glyph tone-${tone}`} viewBox="0 0 12 12" aria-hidden="true">
      {SHAPES[tone]}
    </svg>
  );
}

export function Status({ status }: { status: StatusWord }) {
  return (
    <span class="status">
      <Glyph tone={status.tone} />
      <span>{status.word}</span>
    </span>
  );
}
