import type { ApiParams, ApiReply } from "@berth/protocol";
import { nodeView } from "./node-view.ts";
import { takePage } from "./page.ts";
import type { QueryContext, QueryResult } from "./query-result.ts";

/** Nodes by number, which is the order in which they joined. */
export function listNodes(
  { state, replyBytesMax }: QueryContext,
  { after, limit }: ApiParams<"node.list">,
): QueryResult<ApiReply<"node.list">> {
  const following = [...state.nodes.values()]
    .filter(({ number }) => after === null || number > after)
    .sort((a, b) => a.number - b.number);
  const { views, more } = takePage(following, { limit, bytesMax: replyBytesMax }, nodeView);
  const next = more ? (views.at(-1)?.number ?? null) : null;
  return { ok: true, value: { seq: state.seq, nodes: views, next } };
}
