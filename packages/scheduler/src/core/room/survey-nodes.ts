import { headroomDimensions } from "@berth/protocol";
import type { ClusterState } from "../state/cluster-state.ts";
import { commonRequests } from "./request-classes.ts";
import { capacityOf, RoomSurvey } from "./room-survey.ts";

/** Nodes measured in one part of the work. */
const NODES_PER_PART = 250;

/** Measures every node by the cluster's common requests; yields between parts of the work. */
export function* surveyNodes(state: ClusterState): Generator<void, RoomSurvey> {
  const capacity = headroomDimensions.map(() => 0);
  for (const node of state.nodes.values()) {
    for (const [at, amount] of capacityOf(node).entries())
      capacity[at] = (capacity[at] ?? 0) + amount;
  }
  const survey = new RoomSurvey(commonRequests(state, capacity));
  let measured = 0;
  for (const node of state.nodes.values()) {
    survey.set(node);
    measured += 1;
    if (measured % NODES_PER_PART === 0) yield;
  }
  return survey;
}
