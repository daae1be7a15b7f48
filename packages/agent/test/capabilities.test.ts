import { accessSync, constants, existsSync, mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { Capability } from "@berth/protocol";
import { expect, test } from "vitest";
import { z } from "zod";
import { tryCapabilities } from "../src/shell/discovery/capabilities.ts";
import { findCgroupMounts, tryCgroups } from "../src/shell/discovery/cgroup-trials.ts";
import { runTool } from "../src/shell/discovery/run-tool.ts";

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

test("what this system offers is told, and why not what it does not", async () => {
  const capabilities = z.array(Capability).parse(await tryCapabilities(tmpdir()));
  expect(capabilities.map(({ name }) => name)).toEqual([
    "cgroup.v2",
    "cgroup.v1",
    "cgroup.cpu",
    "cgroup.cpuset",
    "cgroup.memory",
    "cgroup.pids",
    "cgroup.io",
    "quota.project",
    "systemd",
    "podman",
    "runc",
    "crun",
    "bubblewrap",
    "netns",
    "tc",
  ]);
  for (const { available, reason } of capabilities) expect(reason === null).toBe(available);
  const systemd = capabilities.find(({ name }) => name === "systemd");
  expect(systemd?.available).toBe(existsSync("/run/systemd/system"));
});

test("a trial of cgroups leaves no group behind", () => {
  const mounts = findCgroupMounts();
  tryCgroups(mounts);
  const folders = [...mounts.controllers.values(), mounts.unified].filter((one) => one !== null);
  const left = folders.flatMap((folder) => readdirSync(folder));
  expect(left.filter((name) => name === `berth-trial-${process.pid}`)).toEqual([]);
});

test("a group that a killed agent left is taken away, that of a living one is not", () => {
  const { controllers } = findCgroupMounts();
  const folder = controllers.get("memory");
  if (folder === undefined || !isWritable(folder)) return;
  const left = `${folder}/berth-trial-999999999`;
  const living = `${folder}/berth-trial-1`;
  for (const group of [left, living]) mkdirSync(group, { recursive: true });
  tryCgroups();
  expect([left, living].map((group) => existsSync(group))).toEqual([false, true]);
  rmdirSync(living);
});

test("where nothing is mounted, or no group can be made, the reason says so", () => {
  const none = tryCgroups({ unified: null, controllers: new Map() });
  expect(none.every(({ available }) => !available)).toBe(true);
  const refused = tryCgroups({ unified: null, controllers: new Map([["memory", "/proc"]]) });
  const memory = refused.find(({ name }) => name === "cgroup.memory");
  expect(memory?.reason).toMatch(/^no group can be made in \/proc \(E/);
});

test("a program that is missing, fails or hangs is told apart, and what it said is kept", async () => {
  const ask = (script: string, timeoutMs = 30_000) => runTool("sh", ["-c", script], timeoutMs);
  expect(await runTool("no-such-program", [], 300)).toMatchObject({
    isMissing: true,
    problem: "no-such-program is not installed",
  });
  expect(await ask("echo half; echo no >&2; exit 3")).toMatchObject({
    stdout: "half\n",
    ok: false,
    problem: "sh: no",
  });
  expect(await ask("echo first; exec sleep 60", 300)).toMatchObject({
    problem: "sh does not answer",
  });
  expect(await ask("echo fine")).toMatchObject({ ok: true, problem: null });
});
