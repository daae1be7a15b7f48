import {
  type ApiParams,
  formatDurationMs,
  limits,
  policyProblem,
  readPolicy,
  type Reservation,
  ReservationInput,
  type ReservationRequest,
  type SpecProblem,
} from "@berth/protocol";
import { matchingNodes } from "../queue/reservations.ts";
import { nearNames } from "../select/near-names.ts";
import { refuse } from "../select/refusal.ts";
import { type CommandContext, type Decision, decide } from "./decision.ts";
import { refusePolicy } from "./refuse-policy.ts";

/** Holds nodes for a project from one moment to another. */
export function makeReservation(
  { state, nowUnixMs }: CommandContext,
  { reservation: document }: ApiParams<"reservation.make">,
): Decision {
  const read = readPolicy(ReservationInput, document);
  if (!read.ok) return refusePolicy("reservation", read.problems);
  const problems = timeProblems(read.value, nowUnixMs);
  if (problems.length > 0) return refusePolicy("reservation", problems);
  if (state.reservations.size >= limits.reservationsMax) {
    return refuse("conflict", `there are ${limits.reservationsMax} reservations already`, {
      hint: "remove those that nobody needs (berth reservation ls)",
      details: { reservationsMax: limits.reservationsMax },
    });
  }
  const { project, from, to, nodes, gpus, constraints } = read.value;
  const reservation: Reservation = {
    id: `r${state.nextReservationNumber}`,
    project,
    fromUnixMs: from,
    toUnixMs: to,
    nodes,
    gpus,
    constraints,
  };
  const nodesMatching = matchingNodes(state, reservation).length;
  return decide([{ type: "ReservationMade", reservation }], { reservation, nodesMatching });
}

export function removeReservation(
  { state }: CommandContext,
  { reservation: id }: ApiParams<"reservation.remove">,
): Decision {
  if (!state.reservations.has(id)) {
    const near = nearNames(id, state.reservations.keys());
    const hint = "`berth reservation ls` lists them";
    return refuse("not_found", `there is no reservation '${id}'`, { hint, details: { near } });
  }
  return decide([{ type: "ReservationRemoved", id }], { reservation: id });
}

function timeProblems({ from, to }: ReservationRequest, nowUnixMs: number): SpecProblem[] {
  const problems: SpecProblem[] = [];
  const most = formatDurationMs(limits.reservationMsMax);
  if (from >= to) {
    problems.push(policyProblem(["to"], "ends before it begins", to, "to must be after from"));
  } else if (to - from > limits.reservationMsMax) {
    const message = `lasts ${formatDurationMs(to - from)}; at most ${most}`;
    problems.push(policyProblem(["to"], message, to, "make another one when it ends"));
  }
  if (to <= nowUnixMs) {
    problems.push(policyProblem(["to"], "is over already", to, "to must be in the future"));
  }
  if (from - nowUnixMs > limits.reservationMsMax) {
    const message = `begins in ${formatDurationMs(from - nowUnixMs)}; at most ${most} ahead`;
    problems.push(policyProblem(["from"], message, from, "make it when it is nearer"));
  }
  return problems;
}
