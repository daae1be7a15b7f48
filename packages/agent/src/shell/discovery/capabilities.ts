import { existsSync } from "node:fs";
import type { Capability } from "@berth/protocol";
import { available, missing } from "../../core/hardware/capability.ts";
import { agentTimings } from "../../limits.ts";
import { tryCgroups } from "./cgroup-trials.ts";
import { mountOfFolder } from "./folder-disk.ts";
import { runTool } from "./run-tool.ts";

/** What the system offers to tasks, each found by trying it, with the reason where it does not. */
export async function tryCapabilities(stateFolder: string): Promise<Capability[]> {
  const programs = PROGRAMS.map(([name, file, ...args]) => program(name, file, args));
  const tried = await Promise.all([systemd(), ...programs]);
  return [...tryCgroups(), projectQuota(stateFolder), ...tried];
}

/** A limit on the loopback of a network namespace that goes when the program ends. */
const SHAPED = "qdisc add dev lo root tbf rate 1mbit burst 32kbit latency 400ms".split(" ");

/** What is there when a program ends well. */
const PROGRAMS: readonly (readonly [name: string, file: string, ...args: readonly string[]])[] = [
  ["podman", "podman", "info", "--format", "{{.Host.OCIRuntime.Name}} {{.Version.Version}}"],
  ["runc", "runc", "--version"],
  ["crun", "crun", "--version"],
  ["bubblewrap", "bwrap", "--ro-bind", "/", "/", "--unshare-all", "--", "true"],
  ["netns", "unshare", "--net", "--", "true"],
  ["tc", "unshare", "--net", "--", "tc", ...SHAPED],
];

/** Whether a program does what it is needed for; what it says first is told. */
async function program(name: string, file: string, args: readonly string[]): Promise<Capability> {
  const { problem, stdout } = await runTool(file, args, agentTimings.capabilityProbeTimeoutMs);
  const said = (stdout.split("\n")[0] ?? "").trim();
  return problem === null ? available(name, said === "" ? null : said) : missing(name, problem);
}

/** Only where it is the system's init can it run units. */
async function systemd(): Promise<Capability> {
  if (!existsSync("/run/systemd/system")) {
    return missing("systemd", "it is not this system's init (no /run/systemd/system)");
  }
  return program("systemd", "systemctl", ["--version"]);
}

/** Bounds on what a folder holds, kept by the file system. */
function projectQuota(folder: string): Capability {
  const mount = mountOfFolder(folder);
  if (mount === null)
    return missing("quota.project", "the file system of the state folder is unknown");
  const { type, device, options } = mount;
  if (!["ext4", "xfs", "f2fs"].includes(type)) {
    return missing("quota.project", `${type} on ${device} has no project quotas`);
  }
  return options.some((option) => option === "prjquota" || option === "pquota")
    ? available("quota.project", `${type} on ${device}`)
    : missing("quota.project", `${type} on ${device} is not mounted with prjquota`);
}
