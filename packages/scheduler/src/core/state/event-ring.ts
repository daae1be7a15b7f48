import { type EventView, limits } from "@berth/protocol";

/** The newest events as people read them, oldest first. */
export interface EventRing {
  /** Live part starts at `head`; the rest is cut off now and then. */
  views: EventView[];
  head: number;
  /** The newest entry of which an event was dropped; 0 when nothing ever was. */
  droppedThroughSeq: number;
}

export function createEventRing(): EventRing {
  return { views: [], head: 0, droppedThroughSeq: 0 };
}

export function rememberEvent(ring: EventRing, view: EventView): void {
  ring.views.push(view);
  if (ring.views.length - ring.head <= limits.eventsRememberedMax) return;
  ring.droppedThroughSeq = ring.views[ring.head]?.seq ?? ring.droppedThroughSeq;
  ring.head += 1;
  if (ring.head >= limits.eventsRememberedMax) {
    ring.views = ring.views.slice(ring.head);
    ring.head = 0;
  }
}

/** Remembered events of entries after `afterSeq`, oldest first. */
export function eventsAfter(ring: EventRing, afterSeq: number): readonly EventView[] {
  let low = ring.head;
  let high = ring.views.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ring.views[middle]?.seq ?? 0) > afterSeq) high = middle;
    else low = middle + 1;
  }
  return ring.views.slice(low);
}
