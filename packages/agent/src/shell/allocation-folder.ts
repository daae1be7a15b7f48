import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { AllocationReport, ClusterId, DesiredAllocation, Exit } from "@berth/protocol";
import { z } from "zod";
import { parseIdentity, parseStatus, type ProcessIdentity } from "../core/exit-status.ts";
import {
  errnoOf,
  isAbsence,
  readIfThere,
  replaceFile,
  replaceFileDurably,
} from "./durable-file.ts";
import { parseJson } from "./state-folder.ts";

const PRIVATE_FOLDER = 0o700;
const AGENT_CLAIM = "agent\n";

/** With the driver `exec`: what it holds of the node. Nothing starts in it before this is written. */
export const ExecRecord = z.object({
  /** Folders of its control group. */
  cgroup: z.array(z.string()),
  /** Processors that are its alone. */
  processors: z.array(z.int()).nullable(),
});
export type ExecRecord = z.infer<typeof ExecRecord>;

/** Written before anything is started: enough to go on without anybody else. */
export const AllocationRecord = z.object({
  v: z.literal(1),
  clusterId: ClusterId,
  /** Process identities below mean something during this boot only. */
  bootId: z.string(),
  allocation: DesiredAllocation,
  exec: ExecRecord.optional(),
});
export type AllocationRecord = z.infer<typeof AllocationRecord>;

export type FinishedReport = Extract<AllocationReport, { state: "finished" }>;

/** What the shim's files say. */
export interface RunRecord {
  /**
   * `none`: nobody has it. `agent`: an agent took it, nothing will run. `incomplete`: being
   * written, or the disk was full.
   */
  readonly claim: "none" | "agent" | "incomplete" | ProcessIdentity;
  readonly child: ProcessIdentity | null;
  readonly startedAtUnixMs: number | null;
  /** Null while it is pending. */
  readonly exit: { readonly status: number; readonly atUnixMs: number } | null;
}

/**
 * One allocation on disk:
 *
 *     spec.json      `AllocationRecord`, durable before the first start
 *     run/           claim, child, exit: written by the shim (`shim/berth-shim.sh`), and watched
 *     logs/          see `log-files.ts`
 *     task/  tmp/    the task's own folder and its TMPDIR
 *     stopping       the agent was told to stop it; its time is the start of the grace period
 *     health         the last answer of its check
 *     cause.json     why it ended, where its status does not say: its control group did, and is gone
 *     final.json     the final report;  reported: the leader has acknowledged it
 */
export class AllocationFolder {
  readonly path: string;
  readonly runPath: string;
  readonly logsPath: string;
  readonly taskPath: string;
  readonly temporaryPath: string;

  constructor(folder: string) {
    this.path = folder;
    this.runPath = path.join(folder, "run");
    this.logsPath = path.join(folder, "logs");
    this.taskPath = path.join(folder, "task");
    this.temporaryPath = path.join(folder, "tmp");
  }

  create(): void {
    for (const each of [
      this.path,
      this.runPath,
      this.logsPath,
      this.taskPath,
      this.temporaryPath,
    ]) {
      try {
        mkdirSync(each, { mode: PRIVATE_FOLDER });
      } catch (cause) {
        if (errnoOf(cause) !== "EEXIST") throw cause;
      }
    }
  }

  async writeRecord(record: AllocationRecord): Promise<void> {
    await replaceFileDurably(this.#file("spec.json"), JSON.stringify(record));
  }

  /** `absent`: nothing was ever started here. `corrupt`: something may have been. */
  readRecord(): AllocationRecord | "absent" | "corrupt" {
    let text: string | null;
    try {
      text = readIfThere(this.#file("spec.json"));
    } catch {
      return "corrupt";
    }
    if (text === null) return "absent";
    const parsed = AllocationRecord.safeParse(parseJson(text));
    return parsed.success ? parsed.data : "corrupt";
  }

  /** Takes the claim so that no shim ever runs anything here; false when a shim has it. */
  tryClaim(): boolean {
    try {
      const descriptor = openSync(path.join(this.runPath, "claim"), "wx", 0o600);
      try {
        writeSync(descriptor, AGENT_CLAIM);
      } finally {
        closeSync(descriptor);
      }
      return true;
    } catch (cause) {
      if (errnoOf(cause) === "EEXIST") return false;
      throw cause;
    }
  }

  readRun(): RunRecord {
    // The order matters: who sees an exit also sees the child and the claim that came before it.
    const exit = readWithTime(path.join(this.runPath, "exit"));
    const child = readWithTime(path.join(this.runPath, "child"));
    const claim = readIfThere(path.join(this.runPath, "claim"));
    const status = exit === null ? null : parseStatus(exit.text);
    return {
      claim: parseClaim(claim),
      child: child === null ? null : parseIdentity(child.text),
      startedAtUnixMs: child?.atUnixMs ?? null,
      exit: exit === null || status === null ? null : { status, atUnixMs: exit.atUnixMs },
    };
  }

  markStopping(): void {
    writeFileSync(this.#file("stopping"), "", { mode: 0o600 });
  }

  /** When the agent was told to stop it; null when it was not. */
  stoppingSinceUnixMs(): number | null {
    return readWithTime(this.#file("stopping"))?.atUnixMs ?? null;
  }

  writeHealth(health: string): void {
    replaceFile(this.#file("health"), health);
  }

  readHealth(): string | null {
    return readIfThere(this.#file("health"));
  }

  writeCause(exit: Exit): void {
    replaceFile(this.#file("cause.json"), JSON.stringify(exit));
  }

  readCause(): Exit | null {
    const text = readIfThere(this.#file("cause.json"));
    const parsed = text === null ? null : Exit.safeParse(parseJson(text));
    return parsed?.success ? parsed.data : null;
  }

  writeFinal(report: FinishedReport): void {
    replaceFile(this.#file("final.json"), JSON.stringify(report));
  }

  /** Null when there is none, or none that can be read: the run's files then tell the same. */
  readFinal(): FinishedReport | null {
    const text = readIfThere(this.#file("final.json"));
    const parsed = text === null ? null : AllocationReport.safeParse(parseJson(text));
    return parsed?.success && parsed.data.state === "finished" ? parsed.data : null;
  }

  markReported(): void {
    writeFileSync(this.#file("reported"), "", { mode: 0o600 });
  }

  isReported(): boolean {
    return readIfThere(this.#file("reported")) !== null;
  }

  #file(name: string): string {
    return path.join(this.path, name);
  }
}

function parseClaim(text: string | null): RunRecord["claim"] {
  if (text === null) return "none";
  return text === AGENT_CLAIM ? "agent" : (parseIdentity(text) ?? "incomplete");
}

function readWithTime(file: string): { text: string; atUnixMs: number } | null {
  try {
    return { text: readFileSync(file, "latin1"), atUnixMs: Math.round(statSync(file).mtimeMs) };
  } catch (cause) {
    if (isAbsence(cause)) return null;
    throw cause;
  }
}
