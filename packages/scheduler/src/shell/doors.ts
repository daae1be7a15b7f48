import type { Subscription } from "@berth/runtime";

export interface DoorsComponents {
  readonly listenToReads: () => Subscription;
  /** Writes, and what agents say. */
  readonly listenToWrites: () => readonly Subscription[];
}

/** Which requests this scheduler hears. Who does not listen cannot answer before who should. */
export class Doors {
  readonly #components: DoorsComponents;
  #reads: Subscription | null = null;
  #writes: readonly Subscription[] = [];
  #isClosed = false;

  constructor(components: DoorsComponents) {
    this.#components = components;
  }

  arrange({ reads, writes }: { readonly reads: boolean; readonly writes: boolean }): void {
    if (this.#isClosed) return;
    const { listenToReads, listenToWrites } = this.#components;
    if (reads) this.#reads ??= listenToReads();
    else this.#closeReads();
    if (!writes) this.#closeWrites();
    else if (this.#writes.length === 0) this.#writes = listenToWrites();
  }

  /** For good. */
  close(): void {
    this.#isClosed = true;
    this.#closeReads();
    this.#closeWrites();
  }

  #closeReads(): void {
    this.#reads?.unsubscribe();
    this.#reads = null;
  }

  #closeWrites(): void {
    for (const subscription of this.#writes) subscription.unsubscribe();
    this.#writes = [];
  }
}
