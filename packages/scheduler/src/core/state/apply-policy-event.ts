import type { EventOf } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import type { Applying } from "./apply-entry.ts";
import { followPool, nodeChanged } from "./apply-node-event.ts";

export function applyProjectConfigured(
  { state }: Applying,
  { project }: EventOf<"ProjectConfigured">,
): void {
  state.projects.set(project.name, project);
  reconsiderAll(state);
}

export function applyProjectRemoved({ state }: Applying, event: EventOf<"ProjectRemoved">): void {
  assert(state.projects.delete(event.name), `no project ${event.name}`);
  reconsiderAll(state);
}

export function applyPoolConfigured(applying: Applying, { pool }: EventOf<"PoolConfigured">): void {
  const { state } = applying;
  state.pools.set(pool.name, pool);
  for (const node of state.nodes.values()) {
    followPool(state, node);
    nodeChanged(applying, node.id);
  }
}

export function applyReservationMade(
  { state }: Applying,
  { reservation }: EventOf<"ReservationMade">,
): void {
  const number = Number(reservation.id.slice(1));
  assert(number === state.nextReservationNumber, `${reservation.id} is out of turn`);
  state.reservations.set(reservation.id, reservation);
  state.nextReservationNumber += 1;
  reconsiderAll(state);
}

export function applyReservationRemoved(
  { state }: Applying,
  { id }: EventOf<"ReservationRemoved">,
): void {
  assert(state.reservations.delete(id), `no reservation ${id}`);
  reconsiderAll(state);
}

/** Who may use what has changed, so anything that waits may start, or wait for another reason. */
function reconsiderAll({ agenda, workloads }: Applying["state"]): void {
  for (const { id, pending } of workloads.values()) if (pending.length > 0) agenda.dirty.add(id);
}
