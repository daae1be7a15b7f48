import { limits } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { batchSpec, nodeDescription, serviceSpec } from "../../testing/builders.ts";
import { TestCluster } from "../../testing/test-cluster.ts";
import { stateHash } from "../state-hash.ts";
import { decodeState } from "./decode-state.ts";
import { encodeState } from "./encode-state.ts";
import { StateFormatError } from "./state-format.ts";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";

function busyCluster(): TestCluster {
  const cluster = new TestCluster().join(3);
  cluster.apply(serviceSpec({ count: 5, ports: { http: { static: null } } }));
  cluster.apply(batchSpec({ resources: { cpuMillis: 9_000 } }));
  return cluster.converge();
}

function chunksOf({ state }: TestCluster): Uint8Array[] {
  return [...encodeState(state)];
}

function refusalOf(chunks: Iterable<Uint8Array>): StateFormatError {
  try {
    decodeState(chunks);
  } catch (error) {
    if (error instanceof StateFormatError) return error;
    throw error;
  }
  throw new Error("it was taken up");
}

describe("chunks", () => {
  test("are no larger than their limit, however large the state", () => {
    const cluster = new TestCluster();
    const label = "ü".repeat(9_000);
    cluster.join(100, (n) => nodeDescription(n, { labels: { label } }));
    const chunks = chunksOf(cluster);
    expect(chunks.filter((chunk) => decodeUtf8(chunk).includes('"nodes"')).length).toBeGreaterThan(
      2,
    );
    for (const chunk of chunks)
      expect(chunk.length).toBeLessThanOrEqual(limits.snapshotChunkBytesMax);
    expect(stateHash(decodeState(chunks))).toBe(stateHash(cluster.state));
  });

  test("hold what waits in scattered ranges", () => {
    const cluster = new TestCluster().join(1);
    const id = cluster.apply(serviceSpec({ count: 0 })).id;
    const spec = serviceSpec({ count: 100_000 });
    cluster.append([{ type: "WorkloadApplied", workloadId: id, version: 2, spec }]);
    const workload = cluster.workload(id);
    const indexes = Array.from({ length: 50_000 }, (_, n): [number, number] => [2 * n, 2 * n]);
    workload.pending = [{ count: 50_000, indexes, explanation: { reason: "queued" } }];
    const restored = decodeState(chunksOf(cluster));
    expect(restored.workloads.get(id)?.pending).toEqual(workload.pending);
  });

  test("of the same state are the same bytes, also after it was read back", () => {
    const chunks = chunksOf(busyCluster());
    expect(chunksOf(busyCluster())).toEqual(chunks);
    expect([...encodeState(decodeState(chunks))]).toEqual(chunks);
  });
});

describe("what cannot be taken up is refused", () => {
  test("with its version when another one wrote it", () => {
    const [header, ...rest] = chunksOf(busyCluster());
    const future = encodeUtf8(decodeUtf8(header ?? new Uint8Array()).replace('"v":2', '"v":3'));
    const refusal = refusalOf([future, ...rest]);
    expect(refusal).toMatchObject({ reason: "unknown_version", version: 3, code: "invalid" });
    expect(refusal.message).toContain("version 3");
  });

  test("when its end is missing, or anything before it", () => {
    const chunks = chunksOf(busyCluster());
    for (const [index] of chunks.entries()) {
      expect(refusalOf(chunks.toSpliced(index, 1)).reason).toBe("malformed");
    }
    expect(refusalOf([]).reason).toBe("malformed");
  });

  test("when a chunk is cut short, is not text, or is something else", () => {
    const chunks = chunksOf(busyCluster());
    const [header = new Uint8Array()] = chunks;
    const bad = [
      header.subarray(0, -1),
      Uint8Array.of(0xff, 0xfe),
      encodeUtf8("[]"),
      encodeUtf8('{"section":"secrets","rows":[]}'),
    ];
    for (const chunk of bad) {
      expect(refusalOf([chunk, ...chunks]).reason).toBe("malformed");
      expect(refusalOf([header, chunk, ...chunks.slice(1)]).reason).toBe("malformed");
    }
    expect(refusalOf([...chunks, header]).reason).toBe("malformed");
  });
});
