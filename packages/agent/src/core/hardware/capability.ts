import type { Capability } from "@berth/protocol";

export function available(name: string, detail: string | null = null): Capability {
  return { name, available: true, reason: null, detail };
}

export function missing(name: string, reason: string): Capability {
  return { name, available: false, reason, detail: null };
}
