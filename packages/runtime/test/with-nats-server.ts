import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureNatsServer, type NatsServer, startNatsServer } from "../src/nats-server/index.ts";

export interface TestServer extends NatsServer {
  readonly home: string;
  /** Ends it without a word. */
  kill(): Promise<void>;
  /** Kills it if it still runs, and starts it again on the same port and store. */
  killAndRestart(): Promise<TestServer>;
  dispose(): Promise<void>;
}

/** Null where no nats-server can be found: the tests that need one are then shown as skipped. */
export async function findNatsServer(minimumVersion?: string): Promise<string | null> {
  return ensureNatsServer({
    useSystemPackages: false,
    ...(minimumVersion === undefined ? {} : { minimumVersion }),
  }).then(
    ({ path }) => path,
    () => null,
  );
}

export async function startTestServer(path: string): Promise<TestServer> {
  const home = await mkdtemp(join(tmpdir(), "berth-runtime-test-"));
  return testServer(path, home, await startNatsServer({ path, home }));
}

function testServer(path: string, home: string, server: NatsServer): TestServer {
  let isKilled = false;
  async function kill(): Promise<void> {
    if (!isKilled) process.kill(server.pid, "SIGKILL");
    isKilled = true;
    await server.exited;
  }
  return {
    ...server,
    home,
    kill,
    async killAndRestart() {
      await kill();
      return testServer(path, home, await startNatsServer({ path, home, port: server.port }));
    },
    async dispose() {
      await server.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
