import {
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { BerthError, ClusterId, Fence } from "@berth/protocol";
import type { Logger } from "@berth/runtime";
import { z } from "zod";
import { errnoOf, readIfThere, replaceFile } from "./durable-file.ts";
import type { ProcessTable } from "./process-table.ts";

const PRIVATE_FOLDER = 0o700;

/** What the agent must remember beside its allocations. */
const Membership = z.object({ clusterId: ClusterId, fence: Fence.nullable() });
export type Membership = z.infer<typeof Membership>;

/**
 * The agent's folder:
 *
 *     agent.lock            who uses it: pid, start time, boot id
 *     membership.json       the cluster it joined and the newest fence it applied
 *     allocations/<id>/     see `allocation-folder.ts`
 *     trash/                being deleted
 */
export class StateFolder {
  readonly path: string;
  readonly allocationsPath: string;
  readonly #lock: string;
  readonly #membershipFile: string;
  readonly #trashPath: string;
  #trashed = 0;

  private constructor(folder: string) {
    this.path = folder;
    this.allocationsPath = path.join(folder, "allocations");
    this.#lock = path.join(folder, "agent.lock");
    this.#membershipFile = path.join(folder, "membership.json");
    this.#trashPath = path.join(folder, "trash");
  }

  /**
   * Takes the folder for this process. Throws `conflict` while another living process has it, and
   * `internal` when it cannot be made or written.
   */
  static open(folder: string, table: ProcessTable): StateFolder {
    const state = new StateFolder(path.resolve(folder));
    try {
      mkdirSync(state.allocationsPath, { recursive: true, mode: PRIVATE_FOLDER });
      state.#takeLock(table);
      rmSync(state.#trashPath, { recursive: true, force: true });
      mkdirSync(state.#trashPath, { mode: PRIVATE_FOLDER });
    } catch (cause) {
      if (cause instanceof BerthError) throw cause;
      throw new BerthError("internal", `cannot use the state folder ${state.path}`, { cause });
    }
    return state;
  }

  /** Null before the first join, and when the file cannot be read: then the agent joins again. */
  readMembership(logger: Logger): Membership | null {
    const text = readIfThere(this.#membershipFile);
    if (text === null) return null;
    const parsed = Membership.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    logger.error("the membership file is not readable and was put aside", {
      file: `${this.#membershipFile}.corrupt`,
    });
    renameSync(this.#membershipFile, `${this.#membershipFile}.corrupt`);
    return null;
  }

  saveMembership(membership: Membership): void {
    replaceFile(this.#membershipFile, JSON.stringify(membership));
  }

  /** Takes a folder out of sight in one step; deleting it may then be interrupted at any time. */
  moveToTrash(folder: string): string {
    this.#trashed += 1;
    const target = path.join(this.#trashPath, `${path.basename(folder)}.${this.#trashed}`);
    renameSync(folder, target);
    return target;
  }

  moveAside(folder: string, target: string): void {
    renameSync(folder, target);
  }

  allocationNames(): string[] {
    return readdirSync(this.allocationsPath);
  }

  close(): void {
    unlinkSync(this.#lock);
  }

  #takeLock(table: ProcessTable): void {
    const self = table.find(process.pid);
    const line = `${process.pid} ${self?.startTicks ?? 0} ${table.bootId}\n`;
    const own = `${this.#lock}.${process.pid}`;
    writeFileSync(own, line, { mode: 0o600 });
    try {
      for (let tries = 0; tries < LOCK_TRIES_MAX; tries += 1) {
        if (tryLink(own, this.#lock)) return;
        const owner = readIfThere(this.#lock);
        if (owner === null) continue;
        this.#refuseLiving(owner, table);
        // Only the lock of the dead is moved away: one taken meanwhile is put back.
        const aside = `${own}.stale`;
        renameSync(this.#lock, aside);
        const isStolen = readIfThere(aside) !== owner;
        if (isStolen) tryLink(aside, this.#lock);
        unlinkSync(aside);
      }
      throw new BerthError("conflict", `others are taking the state folder ${this.path}`);
    } finally {
      rmSync(own, { force: true });
    }
  }

  #refuseLiving(owner: string, table: ProcessTable): void {
    const [pid, startTicks, bootId] = owner.trim().split(" ");
    const identity = { pid: Number(pid), startTicks: Number(startTicks) };
    if (bootId !== table.bootId || !table.isAlive(identity)) return;
    throw new BerthError("conflict", `process ${pid} is using the state folder ${this.path}`, {
      hint: "One agent at a time uses a state folder. Stop that one, or choose another folder.",
    });
  }
}

const LOCK_TRIES_MAX = 10;

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (cause) {
    if (errnoOf(cause) === "EEXIST") return false;
    throw cause;
  }
}

/** Undefined for what is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
