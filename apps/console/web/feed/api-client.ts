import type { LogsReply, NodeDetail, WireError, Why, WorkloadDetail } from "@berth/protocol";

/** A refusal or failure of the gateway, as it says it; or that it cannot be reached. */
export type Fetched<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: Pick<WireError, "code" | "message" | "hint"> };

const encode = encodeURIComponent;

export const apiPaths = {
  node: (id: string) => `/api/v1/nodes/${encode(id)}`,
  workload: (project: string, name: string) =>
    `/api/v1/workloads/${encode(project)}/${encode(name)}`,
  why: (project: string, name: string) =>
    `/api/v1/workloads/${encode(project)}/${encode(name)}/why`,
  logs: (id: string, query: LogsQuery) =>
    `/api/v1/allocations/${encode(id)}/logs?${new URLSearchParams({
      stream: query.stream,
      wait: String(query.waitMs),
      ...(query.from.kind === "offset"
        ? { offset: String(query.from.offset) }
        : { tail: String(query.from.lines) }),
    }).toString()}`,
} as const;

export interface LogsQuery {
  readonly stream: "stdout" | "stderr";
  readonly from:
    | { readonly kind: "offset"; readonly offset: number }
    | { readonly kind: "tail"; readonly lines: number };
  readonly waitMs: number;
}

export type { LogsReply, NodeDetail, Why, WorkloadDetail };

/** Never throws; an aborted request reports `timeout`. */
export async function fetchJson<T>(path: string, signal: AbortSignal): Promise<Fetched<T>> {
  try {
    const response = await fetch(path, { signal, headers: { accept: "application/json" } });
    const body: unknown = await response.json();
    if (response.ok) return { ok: true, value: body as T };
    return { ok: false, error: body as WireError };
  } catch {
    const code = signal.aborted ? "timeout" : "unreachable";
    const message = "the console's server cannot be reached";
    return { ok: false, error: { code, message, hint: null } };
  }
}
