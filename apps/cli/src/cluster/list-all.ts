import type { ApiReply, ApiRequest } from "@berth/protocol";
import type { CallOptions, ClusterClient } from "./cluster-client.ts";

type ListMethod = "workload.list" | "allocation.list" | "node.list" | "queue.list";

const itemsOf = {
  "workload.list": "workloads",
  "allocation.list": "allocations",
  "node.list": "nodes",
  "queue.list": "entries",
} as const satisfies Record<ListMethod, string>;

/** A listing from its first page to its last, as one answer. */
export async function listAll<M extends ListMethod>(
  client: Pick<ClusterClient, "call">,
  method: M,
  params: ApiRequest<M>,
  options: CallOptions = {},
): Promise<ApiReply<M>> {
  const items: unknown[] = [];
  let request = params;
  for (;;) {
    const page = await client.call(method, request, options);
    const listed = page as unknown as Record<string, unknown[]>;
    items.push(...(listed[itemsOf[method]] ?? []));
    const after = page.next ?? null;
    if (after === null) return { ...page, [itemsOf[method]]: items };
    request = { ...params, after };
  }
}
