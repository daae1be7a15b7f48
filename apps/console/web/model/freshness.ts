import type { Upstream } from "@berth/protocol";

/** The page's line to the gateway. `waiting`: closed, and dialled again at `retryAtMs`. */
export type Link =
  | { readonly phase: "connecting" }
  | { readonly phase: "open" }
  | { readonly phase: "waiting"; readonly retryAtMs: number };

export interface FreshnessInput {
  readonly link: Link;
  /** The gateway's last word on its own sources, and when it arrived; null before the first. */
  readonly upstream: (Upstream & { readonly receivedAtMs: number }) | null;
  /** When the last frame arrived, of whatever kind; null before the first. */
  readonly heardAtMs: number | null;
  readonly hasModel: boolean;
  readonly nowMs: number;
}

/** How old what the page shows is, and why. Everything but `live` is shown greyed. */
export type Freshness =
  | { readonly kind: "loading" }
  | { readonly kind: "live"; readonly ageMs: number }
  | { readonly kind: "stale"; readonly ageMs: number; readonly why: StaleReason }
  | { readonly kind: "reconnecting"; readonly ageMs: number | null; readonly inMs: number | null };

export type StaleReason = "quiet" | Exclude<Upstream["status"], "live">;

/** Pulses come each second. */
export const QUIET_AFTER_MS = 3_000;

export function freshness(input: FreshnessInput): Freshness {
  const { link, upstream, heardAtMs, hasModel, nowMs } = input;
  const ageMs = heardAtMs === null ? null : Math.max(0, nowMs - heardAtMs);
  if (link.phase === "waiting") {
    return { kind: "reconnecting", ageMs, inMs: Math.max(0, link.retryAtMs - nowMs) };
  }
  if (link.phase === "connecting") {
    return ageMs === null ? { kind: "loading" } : { kind: "reconnecting", ageMs, inMs: null };
  }
  if (!hasModel || ageMs === null) return { kind: "loading" };
  if (upstream !== null && upstream.status !== "live") {
    const sinceMs = upstream.sinceMs + nowMs - upstream.receivedAtMs;
    return { kind: "stale", ageMs: sinceMs, why: upstream.status };
  }
  return ageMs > QUIET_AFTER_MS ? { kind: "stale", ageMs, why: "quiet" } : { kind: "live", ageMs };
}

/** What a person should know about it, as a sentence. */
export function describeStale(why: StaleReason): string {
  switch (why) {
    case "quiet":
      return "The console's server does not say anything.";
    case "catching_up":
      return "The console is still reading the cluster's history.";
    case "disconnected":
      return "The console has lost its connection to the cluster.";
    case "leader_silent":
      return "No scheduler answers: running work goes on, nothing new is decided.";
    case "behind":
      return "The scheduler is ahead of what arrives here.";
  }
}
