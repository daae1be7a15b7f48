import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { archiveAmong, findDebianArchive, obtainFromNewerSuite } from "./debian-suite.ts";
import { ensureNatsServer, readProgramVersion } from "./ensure-nats-server.ts";
import { CLUSTER_MINIMUM_VERSION } from "./supported-versions.ts";
import { isAtLeast } from "./version.ts";

const FETCH_TIMEOUT_MS = 120_000;
const archive = await findDebianArchive();
const isReachable = archive !== null && (await answers(new URL("dists/sid/InRelease", archive)));

async function answers(url: URL): Promise<boolean> {
  return fetch(url, { method: "HEAD", signal: AbortSignal.timeout(5_000) }).then(
    ({ ok }) => ok,
    () => false,
  );
}

test("the archive is the one the machine's own release comes from, not that of an addition", () => {
  const targets = [
    "https://packages.example.org/tool/ stable-tool",
    "http://mirror.example.org/debian-security/ bookworm-security",
    "http://mirror.example.org/debian/ bookworm",
    "http://other.example.org/debian/ bookworm",
  ];
  expect(archiveAmong(targets.join("\n"), "bookworm")).toBe("http://mirror.example.org/debian/");
  expect(archiveAmong(targets.slice(0, 2).join("\n"), "bookworm")).toBeNull();
  expect(archiveAmong("", null)).toBeNull();
});

describe.skipIf(!isReachable)("a newer Debian suite (needs Debian and its archive)", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "berth-suite-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test("gives a server new enough for a cluster, and changes nothing of the system", {
    timeout: FETCH_TIMEOUT_MS,
  }, async () => {
    const installed = packageStatus();
    const lists = await readdir("/var/lib/apt/lists");
    const lines: string[] = [];
    const { path, version } = await ensureNatsServer({
      env: {},
      systemFolders: [],
      cacheFolder: folder,
      minimumVersion: CLUSTER_MINIMUM_VERSION,
      onProgress: (line) => lines.push(line),
    });
    expect(isAtLeast(version, CLUSTER_MINIMUM_VERSION)).toBe(true);
    expect(path).toBe(join(folder, version, "nats-server"));
    expect(await readProgramVersion(path)).toBe(version);
    expect(lines.join("\n")).toContain(CLUSTER_MINIMUM_VERSION);
    expect(packageStatus()).toBe(installed);
    expect(await readdir("/var/lib/apt/lists")).toEqual(lists);
  });

  test("that has nothing new enough is an error that names what it has", {
    timeout: FETCH_TIMEOUT_MS,
  }, async () => {
    const request = {
      archive: archive ?? "",
      minimumVersion: "999.0.0",
      folder,
      isUsable: () => Promise.resolve(true),
    };
    await expect(obtainFromNewerSuite(request)).rejects.toMatchObject({
      code: "unreachable",
      message: expect.stringMatching(/999\.0\.0: they have \d+\.\d+\.\d+/),
    });
    expect(await readdir(folder)).toEqual([]);
  });

  test("whose archive does not answer is an error with what apt said", {
    timeout: FETCH_TIMEOUT_MS,
  }, async () => {
    const request = {
      archive: "http://127.0.0.1:9/debian/",
      minimumVersion: CLUSTER_MINIMUM_VERSION,
      folder,
      isUsable: () => Promise.resolve(true),
    };
    await expect(obtainFromNewerSuite(request)).rejects.toMatchObject({
      code: "unreachable",
      retryable: true,
      message: expect.stringContaining(CLUSTER_MINIMUM_VERSION),
    });
  });
});

/** What dpkg has installed, as a whole: fetching must leave it as it is. */
function packageStatus(): string {
  return execFileSync("dpkg-query", ["-W", "-f", "$" + "{Package} $" + "{Version}\n"], {
    encoding: "utf8",
  });
}
