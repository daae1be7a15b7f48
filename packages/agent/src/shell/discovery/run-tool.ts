import { execFile } from "node:child_process";
import { agentLimits } from "../../limits.ts";

/** What became of asking a program. */
export interface ToolAnswer {
  readonly stdout: string;
  readonly stderr: string;
  readonly ok: boolean;
  /** Why there is no good answer, for people; null where there is one. */
  readonly problem: string | null;
  /** The program is not installed. */
  readonly isMissing: boolean;
}

/**
 * Asks a program once, and never waits longer than `timeoutMs`. A program that fails after it said
 * something is still heard: tools that list devices fail when one of them does.
 */
export function runTool(
  program: string,
  args: readonly string[],
  timeoutMs: number,
): Promise<ToolAnswer> {
  const options = {
    timeout: timeoutMs,
    killSignal: "SIGKILL" as const,
    maxBuffer: agentLimits.toolAnswerBytesMax,
    env: { ...process.env, LC_ALL: "C" },
  };
  return new Promise((resolve) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      const isMissing = error?.code === "ENOENT";
      const problem = error === null ? null : problemOf(program, error, stderr);
      resolve({ stdout, stderr, ok: error === null, problem, isMissing });
    });
  });
}

function problemOf(
  program: string,
  error: { code?: unknown; killed?: boolean },
  stderr: string,
): string {
  if (error.code === "ENOENT") return `${program} is not installed`;
  if (error.code === "EACCES") return `${program} may not be run`;
  if (error.killed) return `${program} does not answer`;
  const said = stderr.trim().split("\n")[0] ?? "";
  return said === "" ? `${program} failed` : `${program}: ${said.slice(0, SAID_LENGTH_MAX)}`;
}

const SAID_LENGTH_MAX = 160;
