import { readFileSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BerthError } from "@berth/protocol";

const CLUSTER_FILE_VERSION = 1;

/** A process that cannot be confused with a later one of the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** As the system tells it, of no meaning beyond equality; null where it does not tell. */
  readonly startTime: string | null;
}

export interface ClientCredential {
  readonly publicKey: string;
  readonly seedFile: string;
}

/**
 * `<home>/cluster.json`: where this home's cluster is and how to get in. Written by `berth up`
 * for every other command, readable by its owner only; it names secrets but holds none.
 */
export interface ClusterFile {
  readonly v: typeof CLUSTER_FILE_VERSION;
  /** Every part answers. False while starting and once stopped. */
  readonly ready: boolean;
  /** How many servers keep the log. */
  readonly replicas: 1 | 3;
  /** `nats://host:port`; of several servers all, with commas between them. */
  readonly natsUrl: string;
  readonly consoleUrl: string;
  /** Of several NATS servers the first. */
  readonly ports: { readonly nats: number; readonly console: number };
  /** Where its tasks get their ports from. */
  readonly taskPorts: { readonly from: number; readonly to: number };
  readonly credentials: {
    readonly operator: ClientCredential;
    readonly gateway: ClientCredential;
    readonly scheduler: ClientCredential;
    readonly agent: ClientCredential;
  };
  /** The `berth up` process; null once it has stopped in order. */
  readonly supervisor: ProcessIdentity | null;
  /** The parts it runs, by name. */
  readonly children: Readonly<Record<string, ProcessIdentity>>;
  readonly startedAtUnixMs: number;
  /** The examples were submitted once; they are the user's to keep or to remove from then on. */
  readonly examplesSubmitted: boolean;
}

export function clusterFilePath(home: string): string {
  return join(home, "cluster.json");
}

/** What the home's file says, or null when this home has never run. */
export function readClusterFile(home: string): ClusterFile | null {
  const path = clusterFilePath(home);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return null;
  }
  try {
    const value: unknown = JSON.parse(text);
    if (isClusterFile(value)) return { ...value, replicas: value.replicas ?? 1 };
  } catch {
    // Falls through to the one message for both.
  }
  throw new BerthError("invalid", `${path} is not a cluster file of this version`, {
    hint: "Remove it and run `berth up` again; workloads and history are kept elsewhere.",
  });
}

/** Whole or not at all, so that a reader never sees half of it. */
export async function writeClusterFile(home: string, file: ClusterFile): Promise<void> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const path = clusterFilePath(home);
  const draft = `${path}.${process.pid}.new`;
  await writeFile(draft, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, path);
}

/** One of before there were several servers says nothing of their number. */
type WrittenFile = Omit<ClusterFile, "replicas"> & { readonly replicas?: 1 | 3 };

function isClusterFile(value: unknown): value is WrittenFile {
  return (
    typeof value === "object" &&
    value !== null &&
    "v" in value &&
    value.v === CLUSTER_FILE_VERSION &&
    "natsUrl" in value &&
    typeof value.natsUrl === "string" &&
    "credentials" in value &&
    typeof value.credentials === "object"
  );
}
