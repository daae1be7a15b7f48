import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type FeedFrame, feedLimits, type Upstream } from "@berth/protocol";
import { applyDelta, type ClusterModel, modelFromSnapshot } from "../model/cluster-model.ts";
import { type Freshness, freshness, type Link } from "../model/freshness.ts";
import { parseRoute, type Route } from "../model/route.ts";
import { applyTelemetry, type TelemetryModel } from "../model/telemetry-model.ts";
import { assignColours } from "../model/workload-colours.ts";
import type { FeedListener } from "./feed-client.ts";

/** Monotonic and wall time, together: ages of frames and ages of events. */
export interface Now {
  readonly ms: number;
  readonly unixMs: number;
}

/** All the page knows. Frames go in; signals come out. */
export class ConsoleStore implements FeedListener {
  readonly #model = signal<ClusterModel | null>(null);
  readonly #telemetry = signal<TelemetryModel>(new Map());
  readonly #link = signal<Link>({ phase: "connecting" });
  readonly #upstream = signal<(Upstream & { receivedAtMs: number }) | null>(null);
  readonly #heardAtMs = signal<number | null>(null);
  readonly #isOutdated = signal(false);
  readonly #fastNow: Signal<Now>;
  readonly #slowNow: Signal<Now>;
  readonly #route = signal<Route>({ page: "home", filter: "" });
  readonly #readNow: () => Now;
  /** A signal of its own, so that colours are assigned anew only when a workload changes. */
  readonly #workloads = computed(() => this.#model.value?.workloads ?? null);

  readonly colours = computed(() => assignColours(this.#workloads.value?.values() ?? []));
  readonly freshness: ReadonlySignal<Freshness> = computed(() =>
    freshness({
      link: this.#link.value,
      upstream: this.#upstream.value,
      heardAtMs: this.#heardAtMs.value,
      hasModel: this.#model.value !== null,
      nowMs: this.#fastNow.value.ms,
    }),
  );
  /** Apart from its age, which changes all the time. */
  readonly freshnessKind = computed(() => this.freshness.value.kind);

  constructor(readNow: () => Now) {
    this.#readNow = readNow;
    this.#fastNow = signal(readNow());
    this.#slowNow = signal(readNow());
  }

  get model(): ReadonlySignal<ClusterModel | null> {
    return this.#model;
  }

  get telemetry(): ReadonlySignal<TelemetryModel> {
    return this.#telemetry;
  }

  get route(): ReadonlySignal<Route> {
    return this.#route;
  }

  get isOutdated(): ReadonlySignal<boolean> {
    return this.#isOutdated;
  }

  /** Moves each second: for ages of things. */
  get now(): ReadonlySignal<Now> {
    return this.#slowNow;
  }

  /** Several times a second, for the freshness chip. */
  tick(): void {
    const now = this.#readNow();
    this.#fastNow.value = now;
    if (Math.floor(now.ms / 1_000) !== Math.floor(this.#slowNow.peek().ms / 1_000)) {
      this.#slowNow.value = now;
    }
  }

  navigate(hash: string): void {
    this.#route.value = parseRoute(hash);
  }

  have(): { epoch: string; seq: number } | null {
    const model = this.#model.peek();
    return model === null ? null : { epoch: model.epoch, seq: model.seq };
  }

  onLink(link: Link): void {
    this.#link.value = link;
  }

  onOutdated(): void {
    this.#isOutdated.value = true;
  }

  onFrame(frame: FeedFrame): boolean {
    const nowMs = this.#readNow().ms;
    this.#heardAtMs.value = nowMs;
    switch (frame.type) {
      case "snapshot":
        this.#model.value = modelFromSnapshot(frame);
        return true;
      case "delta": {
        const before = this.#model.peek();
        const after = before && applyDelta(before, frame, feedLimits.eventsMax);
        if (after !== null) this.#model.value = after;
        return after !== null;
      }
      case "telemetry":
        this.#telemetry.value = applyTelemetry(this.#telemetry.peek(), frame, nowMs);
        return true;
      case "pulse":
        this.#upstream.value = { ...frame.upstream, receivedAtMs: nowMs };
        return true;
    }
  }
}
