import { expect, test } from "vitest";
import {
  allocationId,
  allocationNumber,
  NodeId,
  ProjectName,
  splitWorkloadId,
  workloadId,
  WorkloadName,
} from "./ids.ts";
import { agentNodeOf, apiMethodOf, subjects } from "./subjects.ts";

const node = NodeId.parse(`U${"A".repeat(55)}`);

test("a subject says who it is for, and is read back by what built it", () => {
  expect(agentNodeOf(subjects.agent(node, "beat"))).toBe(node);
  expect(apiMethodOf(subjects.api("workload.apply"))).toBe("workload.apply");
  expect(apiMethodOf(subjects.log)).toBeNull();
  expect(agentNodeOf(subjects.nodeDesired(node))).toBeNull();
});

test("all of a node's own subjects lie under its own prefixes", () => {
  const own = subjects.agentAll(node).replace(">", "");
  for (const message of ["hello", "report", "desired", "beat", "usage", "health"] as const) {
    expect(subjects.agent(node, message).startsWith(own)).toBe(true);
  }
  expect(subjects.nodeDesired(node).startsWith(subjects.nodeAll(node).replace(">", ""))).toBe(true);
});

test("ids are taken apart into what they were made of", () => {
  const id = workloadId(ProjectName.parse("team-a"), WorkloadName.parse("web"));
  expect(id).toBe("team-a/web");
  expect(splitWorkloadId(id)).toEqual({ project: "team-a", name: "web" });
  expect(allocationNumber(allocationId(42))).toBe(42);
});

test("an id that could be mistaken for a wildcard or a path is refused", () => {
  for (const text of ["*", ">", "a.b", "../x", ""]) {
    expect(NodeId.safeParse(text).success).toBe(false);
    expect(WorkloadName.safeParse(text).success).toBe(false);
  }
});
