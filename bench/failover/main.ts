import { randomInt } from "node:crypto";
import {
  auditLog,
  type LogAudit,
  type Part,
  ReplicatedCluster,
  Submitter,
  until,
} from "@berth/e2e";
import {
  machine,
  numberArgument,
  percentile,
  print,
  progress,
  rounded,
} from "../cluster/statistics.ts";
import { checkAccepted } from "./check-accepted.ts";

/**
 * kill -9 of the scheduler that leads (or, with `--victim nats`, of the server that leads the log's
 * stream) in a cluster of three of each, again and again, under submissions that never pause. The
 * time that counts goes from the kill to the acceptance of a submission that was first sent after
 * it. In the end every accepted submission must be there, and no index may have been placed twice.
 */
const kills = numberArgument("kills", 30);
const victim = chosenVictim();
const SUBMISSION_INTERVAL_MS = 20;
/** One in so many submissions runs a task: enough for placements, few enough for two cores. */
const TASK_EVERY = 20;
const CLIENTS = 3;
const ACCEPT_TIMEOUT_MS = 60_000;
/** Kills must not keep step with the cluster's own intervals. */
const CALM_MS_MIN = 500;
const CALM_MS_MAX = 2_500;

const cluster = new ReplicatedCluster();
try {
  await cluster.start("--no-examples");
  const observer = await cluster.connect("scheduler");
  const buses = await Promise.all(
    Array.from({ length: CLIENTS }, () => cluster.connect("operator")),
  );
  const submitter = new Submitter({
    buses,
    prefix: "failover",
    intervalMs: SUBMISSION_INTERVAL_MS,
    taskEvery: TASK_EVERY,
  });
  submitter.start();
  await submitter.acceptedAfter(0, ACCEPT_TIMEOUT_MS);
  const times: number[] = [];
  for (let round = 1; round <= kills; round += 1) {
    await cluster.whole(observer);
    await calm();
    const part: Part = await until("there is a leader to kill", () =>
      victim === "nats" ? cluster.engineLeader(observer) : cluster.leader(observer),
    );
    const killedAtMs = performance.now();
    cluster.kill(part);
    const { acceptedAtMs } = await submitter.acceptedAfter(killedAtMs, ACCEPT_TIMEOUT_MS);
    times.push(acceptedAtMs - killedAtMs);
    progress(`${round}/${kills} ${part}: accepted again after ${Math.round(times.at(-1) ?? 0)} ms`);
  }
  await submitter.finish(ACCEPT_TIMEOUT_MS);
  progress(`checking ${submitter.accepted.length} accepted submissions`);
  const names = submitter.accepted.map(({ name }) => name);
  const log = await auditLog(observer);
  const { missing, doneTwice } = await checkAccepted(buses, names, TASK_EVERY);
  const lost = new Set([
    ...missing,
    ...names.filter((name) => !log.applied.has(`default/${name}`)),
  ]);
  const doubled = log.doubled.length + doneTwice.length;
  report({ times, accepted: names.length, lost: lost.size, doubled, log });
} finally {
  await cluster.destroy();
}

function report(found: {
  times: readonly number[];
  accepted: number;
  lost: number;
  doubled: number;
  log: LogAudit;
}): void {
  const { times, accepted, lost, doubled, log } = found;
  const { staleEntries, brokenLinks } = log;
  print({
    benchmark: "failover",
    victim,
    machine: machine(),
    kills,
    p50Ms: rounded(percentile(times, 50)),
    p99Ms: rounded(percentile(times, 99)),
    maxMs: rounded(Math.max(...times)),
    accepted,
    lost,
    doubled,
    terms: log.reigns.length,
    staleEntries: staleEntries.length,
    brokenLinks: brokenLinks.length,
  });
  const wrong = lost + doubled + staleEntries.length + brokenLinks.length;
  process.exitCode = wrong === 0 ? 0 : 1;
}

function chosenVictim(): "scheduler" | "nats" {
  const at = process.argv.indexOf("--victim");
  const name = at < 0 ? "scheduler" : process.argv[at + 1];
  if (name === "scheduler" || name === "nats") return name;
  throw new Error("--victim is scheduler or nats");
}

function calm(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, randomInt(CALM_MS_MIN, CALM_MS_MAX)));
}
