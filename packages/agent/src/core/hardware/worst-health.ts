import { type DeviceHealth, deviceHealthStates } from "@berth/protocol";

/** That of the worst of several devices; null where nothing is known of any. */
export function worstHealth(known: readonly DeviceHealth[]): DeviceHealth | null {
  const rank = ({ state }: DeviceHealth) => deviceHealthStates.indexOf(state);
  return known.toSorted((a, b) => rank(b) - rank(a))[0] ?? null;
}
