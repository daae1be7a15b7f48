import { expect, test } from "vitest";
import { serviceSpec } from "../testing/builders.ts";
import { TestCluster } from "../testing/test-cluster.ts";
import { handleQuery } from "../query/handle-query.ts";
test("x", () => {
  const cluster = new TestCluster().join(3);
  cluster.apply(serviceSpec({ count: 6 }));
  cluster.converge();
  const r = handleQuery(
    cluster.state,
    "cluster.whatif",
    { hypothesis: { kind: "drain", nodes: ["n0"] } },
    { nowUnixMs: cluster.nowUnixMs },
  );
  console.log(JSON.stringify(r, null, 1).slice(0, 1500));
  expect(r.ok).toBe(true);
});
