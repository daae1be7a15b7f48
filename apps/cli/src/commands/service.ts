import { join } from "node:path";
import { BerthError } from "@berth/protocol";
import { type ClusterFile, readClusterFile } from "../cluster/cluster-file.ts";
import type { Context } from "../context.ts";
import type { NodeFlags } from "../program/options.ts";

export type ServiceName = "scheduler" | "agent" | "gateway";

export interface ServiceFlags extends NodeFlags {
  readonly server?: string;
  readonly credentials?: string;
  /** Of a scheduler. */
  readonly replicas?: 1 | 3;
  readonly snapshots?: string;
  readonly retention?: number;
  /** Of an agent. */
  readonly state?: string;
  readonly name?: string;
  readonly meta?: Readonly<Record<string, string>>;
  readonly taskPorts?: { readonly from: number; readonly to: number };
  /** Of a gateway. */
  readonly port?: number;
}

/**
 * `berth scheduler`, `berth agent`, `berth gateway`: one part in this process, until it is told to
 * end. What is not given is taken from the home's cluster.
 */
export async function service(
  context: Context,
  name: ServiceName,
  flags: ServiceFlags,
): Promise<never> {
  const { createLogger, runService } = await import("@berth/runtime/node");
  const cluster = readClusterFile(context.home);
  const server = flags.server ?? cluster?.natsUrl ?? missing("--server");
  const credentials = flags.credentials ?? seedFileOf(cluster, name) ?? missing("--credentials");
  const logger = createLogger({ name: name === "gateway" ? "console" : name });
  switch (name) {
    case "scheduler": {
      const { runScheduler } = await import("@berth/scheduler");
      const { replicas, snapshots, retention: retentionMs } = flags;
      const snapshotFolder = snapshots ?? join(context.home, "snapshots", "scheduler");
      const options = { server, credentials, replicas, snapshotFolder, retentionMs };
      return runService({ logger }, (stop) => runScheduler({ ...options, stop, logger }));
    }
    case "agent": {
      const { parseDevices, parseInterfaceSpeeds, parsePool, parseTaints, runAgent } = await import(
        "@berth/agent"
      );
      const options = {
        server,
        credentials,
        state: flags.state ?? join(context.home, "agent"),
        labels: flags.label ?? {},
        meta: flags.meta ?? {},
        taints: parseTaints(flags.taint),
        devices: parseDevices(flags.device),
        interfaceMbps: parseInterfaceSpeeds(flags.interfaceMbps),
        ...(flags.pool === undefined ? {} : { pool: parsePool(flags.pool) }),
        ...(flags.name === undefined ? {} : { nodeName: flags.name }),
        ...(flags.taskPorts === undefined ? {} : { portRange: flags.taskPorts }),
      };
      return runService({ logger }, (stop) => runAgent({ ...options, stop, logger }));
    }
    case "gateway": {
      const { runGateway } = await import("@berth/console");
      const port = flags.port ?? 0;
      return runService({ logger }, (stop) =>
        runGateway({ server, credentials, port, stop, logger }),
      );
    }
  }
}

function seedFileOf(cluster: ClusterFile | null, name: ServiceName): string | undefined {
  return cluster?.credentials[name].seedFile;
}

function missing(option: string): never {
  throw new BerthError(
    "invalid",
    `${option} is missing, and the home has no cluster to take it from`,
  );
}
