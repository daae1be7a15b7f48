import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { until } from "./until.ts";

const BERTH = fileURLToPath(new URL("../../cli/bin/berth.cjs", import.meta.url));
const BUNDLE = fileURLToPath(new URL("../../cli/dist/bundle/berth.cjs", import.meta.url));
const BUILT_PAGE = fileURLToPath(new URL("../dist/web/index.html", import.meta.url));
const READY_TIMEOUT_MS = 60_000;

/** Whether `berth up` and the page it serves have been built. */
export const isBuilt = existsSync(BUNDLE) && existsSync(BUILT_PAGE);

interface ClusterFile {
  readonly ready: boolean;
  readonly consoleUrl: string;
  readonly children: Readonly<Record<string, { readonly pid: number }>>;
}

/** A real cluster of one node: `berth up` in a home of its own. */
export interface EmbeddedCluster {
  readonly consoleUrl: string;
  /** Runs one command line against it; its standard output. */
  berth(...args: string[]): Promise<string>;
  /** The gateway's process, which may be another one later. */
  gatewayPid(): Promise<number>;
  stop(): Promise<void>;
}

export async function startEmbeddedCluster(): Promise<EmbeddedCluster> {
  const home = await mkdtemp(join(tmpdir(), "berth-console-home-"));
  const up = spawn(process.execPath, [BERTH, "up", "--home", home, "--stop-tasks"], {
    stdio: "ignore",
  });
  const ended = new Promise<void>((resolve) => up.once("exit", () => resolve()));
  const readFileNow = async (): Promise<ClusterFile | null> => {
    try {
      return JSON.parse(await readFile(join(home, "cluster.json"), "utf8")) as ClusterFile;
    } catch {
      return null;
    }
  };
  const stop = async () => {
    up.kill("SIGTERM");
    await ended;
    await rm(home, { recursive: true, force: true });
  };
  try {
    const file = await until(
      "the cluster is ready",
      async () => {
        const now = await readFileNow();
        return now?.ready ? now : null;
      },
      READY_TIMEOUT_MS,
    );
    return {
      consoleUrl: file.consoleUrl,
      async berth(...args) {
        const { stdout } = await promisify(execFile)(process.execPath, [
          BERTH,
          "--home",
          home,
          ...args,
        ]);
        return stdout;
      },
      async gatewayPid() {
        return until(
          "the gateway runs",
          async () => (await readFileNow())?.children["gateway"]?.pid,
        );
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
