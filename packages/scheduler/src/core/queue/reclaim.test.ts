import { describe, expect, test } from "vitest";
import { SeatSearch } from "../preempt/seat-search.ts";
import { Victims } from "../preempt/victims.ts";
import { placementRequest } from "../place/placement-request.ts";
import { batchSpec, nodeDescription, serviceSpec } from "../testing/builders.ts";
import { project, QueueCluster } from "../testing/queue-cluster.ts";
import { ProjectTree } from "./project-tree.ts";
import { reclaimRights } from "./reclaim.ts";
import { quotaUseOf } from "../state/quota-use.ts";
import type { ProjectName } from "@berth/protocol";

const owner = { project: "owner" as ProjectName };
const guest = { project: "guest" as ProjectName };

/** The seats that a request of the owner gets, with whom it takes each from. */
function seatsFor(cluster: QueueCluster, cpuMillis: number, seats: number): string[][] {
  const { state, nowUnixMs } = cluster;
  const spec = batchSpec({ ...owner, name: "wants", resources: { cpuMillis } });
  const tree = new ProjectTree(state.projects.values(), state.projectUse);
  const rights = reclaimRights(tree, spec.project, quotaUseOf(spec));
  const search = new SeatSearch({
    request: placementRequest(spec),
    nodes: state.nodes.values(),
    victims: new Victims({ state, nowUnixMs, isStopping: () => false }, spec, rights),
    usageThen: ({ usage }) => usage,
    surroundings: null,
  });
  return Array.from({ length: seats }, (_, n) => search.next(1_000 + n)).flatMap((seat) =>
    seat
      ? [
          seat.units.flatMap(({ workload, victims, isReclaimed }) =>
            victims.map(() => `${workload.id}${isReclaimed ? "" : " preempted"}`),
          ),
        ]
      : [],
  );
}

function clusterOf(nodes: number): QueueCluster {
  return new QueueCluster()
    .join(nodes, (n) =>
      nodeDescription(n, {
        capacity: { ...nodeDescription(n).capacity, cpuMillis: 4_000, memoryMiB: 100_000 },
      }),
    )
    .configure(
      project("owner", { guaranteed: { cpuMillis: 3_000, memoryMiB: 50_000 } }),
      project("guest", { guaranteed: { cpuMillis: 2_000 } }),
    );
}

describe("what is borrowed", () => {
  test("is taken back for its owner, as much as is guaranteed and no more", () => {
    const cluster = clusterOf(1);
    cluster.apply(
      serviceSpec({
        ...guest,
        count: 4,
        resources: { cpuMillis: 1_000 },
        placement: { disruptionMaxUnavailable: 9 },
      }),
    );
    cluster.startAll().settle();
    // The guest keeps the 2 cores that it is guaranteed.
    expect(seatsFor(cluster, 1_000, 4)).toEqual([["guest/web"], ["guest/web"]]);
    expect(seatsFor(cluster, 3_000, 1)).toEqual([]);
  });

  test("is taken back even of what is not preemptible, and of any band", () => {
    const cluster = clusterOf(1);
    cluster.apply(
      batchSpec({
        ...guest,
        count: 4,
        priority: 90,
        resources: { cpuMillis: 1_000 },
        placement: { preemptible: false },
      }),
    );
    cluster.startAll().settle();
    expect(seatsFor(cluster, 1_000, 1)).toEqual([["guest/job"]]);
  });

  test("of the lowest band goes first, then what is cheapest", () => {
    const cluster = clusterOf(1);
    const one = { ...guest, resources: { cpuMillis: 1_000 } };
    cluster.apply(batchSpec({ ...one, name: "scavenger", priority: 5 }));
    cluster.apply(batchSpec({ ...one, name: "high", priority: 40, count: 2 }));
    cluster.apply(batchSpec({ ...one, name: "low", priority: 30 }));
    cluster.startAll().settle();
    expect(seatsFor(cluster, 1_000, 4)).toEqual([["guest/scavenger preempted"], ["guest/low"]]);
  });

  test("is not taken beyond what the owner is guaranteed", () => {
    const cluster = clusterOf(2);
    cluster.apply(batchSpec({ ...owner, count: 2, resources: { cpuMillis: 1_000 } }));
    cluster.apply(batchSpec({ ...guest, count: 6, resources: { cpuMillis: 1_000 } }));
    cluster.startAll().settle();
    expect(seatsFor(cluster, 1_000, 3)).toEqual([["guest/job"]]);
  });
});
