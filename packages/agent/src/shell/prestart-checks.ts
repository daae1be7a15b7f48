import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import type { DesiredAllocation } from "@berth/protocol";
import { DEFAULT_PATH, type Environment, type Refusal } from "../core/task-environment.ts";
import { errnoOf } from "./durable-file.ts";

/** Where the task starts: absolute, or within its own folder, which is the default. */
export function workFolderOf(allocation: DesiredAllocation, taskPath: string): string {
  return path.resolve(taskPath, allocation.task.workDir ?? ".");
}

/** Everything that would keep the task from starting, found before it is tried; null: all well. */
export async function refusalToStart(
  allocation: DesiredAllocation,
  command: readonly string[],
  environment: Environment,
  workFolder: string,
): Promise<Refusal | null> {
  const ports = Object.entries(allocation.granted.ports);
  const refusals = await Promise.all([
    folderRefusal(workFolder),
    programRefusal(command[0] ?? "", environment, workFolder),
    ...ports.map(([name, port]) => portRefusal(name, port)),
  ]);
  return refusals.find((refusal) => refusal !== null) ?? null;
}

async function folderRefusal(workFolder: string): Promise<Refusal | null> {
  const found = await stat(workFolder).catch(() => null);
  if (found?.isDirectory()) return null;
  const what = found === null ? "does not exist" : "is not a folder";
  return { message: `workDir ${workFolder} ${what} on this node` };
}

async function programRefusal(
  program: string,
  environment: Environment,
  workFolder: string,
): Promise<Refusal | null> {
  const searched = environment["PATH"] ?? DEFAULT_PATH;
  const candidates = program.includes("/")
    ? [path.resolve(workFolder, program)]
    : searched.split(":").map((folder) => path.resolve(workFolder, folder, program));
  let denied: string | null = null;
  for (const candidate of candidates) {
    const kind = await programKind(candidate);
    if (kind === "executable") return null;
    if (kind === "denied") denied ??= candidate;
  }
  if (denied !== null) {
    return { message: `${denied} may not be executed by the agent's user; try chmod +x` };
  }
  const where = program.includes("/") ? "does not exist on this node" : `is not in ${searched}`;
  return { message: `the program ${program} ${where}` };
}

async function programKind(candidate: string): Promise<"executable" | "denied" | "missing"> {
  const found = await stat(candidate).catch(() => null);
  if (found === null || found.isDirectory()) return "missing";
  const isExecutable = await access(candidate, constants.X_OK).then(
    () => true,
    () => false,
  );
  return isExecutable ? "executable" : "denied";
}

/** Binds the port on all addresses, which also fails where one address of it is taken. */
async function portRefusal(name: string, port: number): Promise<Refusal | null> {
  const code = await new Promise<string | null>((resolve) => {
    const server = createServer();
    server.once("error", (cause) => resolve(errnoOf(cause) ?? "unknown"));
    server.listen({ host: "0.0.0.0", port, exclusive: true }, () => {
      server.close(() => resolve(null));
    });
  });
  if (code === null) return null;
  if (code === "EACCES") {
    return { message: `port ${port} (${name}) needs privileges that the agent does not have` };
  }
  if (code !== "EADDRINUSE") return null; // the task itself will say it better
  return {
    message: `port ${port} (${name}) is already in use on this node by something outside Berth`,
  };
}
