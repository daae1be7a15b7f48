import type { ApiReply } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import type { ClusterClient } from "./cluster-client.ts";
import { listAll } from "./list-all.ts";

type NodeList = ApiReply<"node.list">;

/** A cluster of so many nodes that shows a few at a time. */
function clusterOf(count: number, pageSize: number) {
  const asked: unknown[] = [];
  const call = (_method: string, params: { after?: number }) => {
    asked.push(params);
    const from = params.after ?? 0;
    const numbers = Array.from({ length: count }, (_, at) => at + 1).slice(from, from + pageSize);
    const last = from + numbers.length;
    const nodes = numbers.map((number) => ({ number }));
    return Promise.resolve({ seq: 40 + from, nodes, next: last < count ? last : null });
  };
  return { asked, client: { call } as unknown as Pick<ClusterClient, "call"> };
}

describe("a listing", () => {
  test("of several pages is put together in order, with the sequence of the last", async () => {
    const { client, asked } = clusterOf(7, 3);
    const reply: NodeList = await listAll(client, "node.list", { limit: 3 });
    expect(reply.nodes.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(reply).toMatchObject({ seq: 46, next: null });
    expect(asked).toEqual([{ limit: 3 }, { limit: 3, after: 3 }, { limit: 3, after: 6 }]);
  });

  test("of one page is asked for once, also from a scheduler that knows of no pages", async () => {
    const call = () => Promise.resolve({ seq: 1, nodes: [{ number: 1 }] });
    const client = { call } as unknown as Pick<ClusterClient, "call">;
    expect((await listAll(client, "node.list", {})).nodes).toHaveLength(1);
  });
});
