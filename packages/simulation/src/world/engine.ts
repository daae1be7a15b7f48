/**
 * The message engine as a machine that can go down. A connection does not outlive it: whatever was
 * under way is lost, on the way there and on the way back, and so is every request it had not
 * finished. What it has stored stays.
 */
export class Engine {
  /** Grows with every crash: what belongs to an older life is lost. */
  life = 1;
  isUp = true;
  private readonly listeners = new Set<() => void>();

  crash(): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.life += 1;
    this.changed();
  }

  restart(): void {
    if (this.isUp) return;
    this.isUp = true;
    this.changed();
  }

  onChange(listen: () => void): () => void {
    this.listeners.add(listen);
    return () => this.listeners.delete(listen);
  }

  private changed(): void {
    for (const listen of this.listeners) listen();
  }
}
