import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { deflateRawSync } from "node:zlib";
import { BerthError } from "@berth/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ensureNatsServer } from "./ensure-nats-server.ts";
import { installationCommand } from "./install-hint.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "berth-ensure-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function program(version: string): string {
  return `#!/bin/sh\necho "nats-server: v${version}"\n`;
}

async function place(into: string, version: string): Promise<string> {
  await mkdir(join(folder, into), { recursive: true });
  const path = join(folder, into, "nats-server");
  await writeFile(path, program(version));
  await chmod(path, 0o755);
  return path;
}

/** Nothing of this machine is seen: only what the test puts into its own folder. */
function ensure(env: Record<string, string> = {}, onProgress: (line: string) => void = () => {}) {
  return ensureNatsServer({
    env: { PATH: join(folder, "bin"), ...env },
    cacheFolder: join(folder, "cache"),
    systemFolders: [join(folder, "sbin")],
    useSystemPackages: false,
    onProgress,
  });
}

async function failure(work: Promise<unknown>): Promise<BerthError> {
  const error = await work.then(
    () => expect.unreachable("it should have failed"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof BerthError)) throw error;
  return error;
}

describe("where a nats-server is looked for", () => {
  test("BERTH_NATS_SERVER comes before everything else", async () => {
    await place("bin", "2.12.0");
    const named = await place("elsewhere", "2.10.0");
    expect(await ensure({ BERTH_NATS_SERVER: named })).toEqual({ path: named, version: "2.10.0" });
  });

  test("BERTH_NATS_SERVER that is missing, or is another program, is an error and not passed over", async () => {
    await place("bin", "2.12.0");
    const missing = await failure(ensure({ BERTH_NATS_SERVER: join(folder, "nowhere") }));
    expect(missing.code).toBe("not_found");
    expect(missing.message).toContain(join(folder, "nowhere"));
    const wrong = await failure(ensure({ BERTH_NATS_SERVER: "/bin/sh" }));
    expect(wrong.code).toBe("not_found");
  });

  test("BERTH_NATS_SERVER that is too old is an error with both versions", async () => {
    const old = await place("elsewhere", "2.9.9");
    const error = await failure(ensure({ BERTH_NATS_SERVER: old }));
    expect(error.code).toBe("invalid");
    expect(error.message).toContain("2.9.9");
    expect(error.message).toContain("2.9.10");
  });

  test("PATH comes before the system's folders, those before the cache", async () => {
    const cached = await place("cache/2.11.0", "2.11.0");
    expect((await ensure()).path).toBe(cached);
    const system = await place("sbin", "2.10.5");
    expect((await ensure()).path).toBe(system);
    const onPath = await place("bin", "2.9.10");
    expect((await ensure()).path).toBe(onPath);
  });

  test("an old one is passed over with a line that says so", async () => {
    const old = await place("bin", "2.8.4");
    const good = await place("sbin", "2.9.10");
    const lines: string[] = [];
    expect((await ensure({}, (line) => lines.push(line))).path).toBe(good);
    expect(lines).toEqual([`passing over ${old}: version 2.8.4 is older than 2.9.10`]);
  });

  test("the newest of the cache is taken, by number and not by letter", async () => {
    await place("cache/2.9.10", "2.9.10");
    const newest = await place("cache/2.10.2", "2.10.2");
    expect((await ensure()).path).toBe(newest);
  });

  test("without any, one error says what to do on this system", async () => {
    const error = await failure(ensure());
    expect(error.code).toBe("not_found");
    expect(error.hint).toContain("BERTH_NATS_SERVER");
  });
});

describe("an archive named by BERTH_NATS_URL and BERTH_NATS_SHA256", () => {
  async function archive(name: string, bytes: Buffer | string) {
    const path = join(folder, name);
    await writeFile(path, bytes);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return { BERTH_NATS_URL: pathToFileURL(path).href, BERTH_NATS_SHA256: sha256 };
  }

  async function tarball(version: string): Promise<Buffer> {
    await place("nats-server-release", version);
    execFileSync("tar", ["-czf", "a.tar.gz", "nats-server-release"], { cwd: folder });
    return readFile(join(folder, "a.tar.gz"));
  }

  test("is unpacked into the cache, and found there the next time", async () => {
    const env = await archive("release", await tarball("2.12.1"));
    const found = await ensure(env);
    expect(found).toEqual({ path: join(folder, "cache/2.12.1/nats-server"), version: "2.12.1" });
    expect(await ensure()).toEqual(found);
    expect(await readdir(join(folder, "cache"))).toEqual(["2.12.1"]);
  });

  test.each([
    ["deflated", true],
    ["stored", false],
  ])("may be a zip file whose members are %s", async (_, deflated) => {
    const bytes = zip("release/nats-server", Buffer.from(program("2.11.4")), deflated);
    const { version } = await ensure(await archive("release.zip", bytes));
    expect(version).toBe("2.11.4");
  });

  test("may be the bare program", async () => {
    const { version } = await ensure(await archive("nats-server", program("2.10.9")));
    expect(version).toBe("2.10.9");
  });

  test("is fetched over http", async () => {
    const bytes = Buffer.from(program("2.10.3"));
    const server = createServer((_, response) => response.end(bytes)).listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const sha256 = createHash("sha256").update(bytes).digest("hex").toUpperCase();
      const { version } = await ensure({
        BERTH_NATS_URL: urlOf(server),
        BERTH_NATS_SHA256: sha256,
      });
      expect(version).toBe("2.10.3");
    } finally {
      server.close();
    }
  });

  test("whose checksum differs is not unpacked, nor is anything left of it", async () => {
    const env = await archive("release", await tarball("2.12.1"));
    const error = await failure(ensure({ ...env, BERTH_NATS_SHA256: "0".repeat(64) }));
    expect(error.code).toBe("invalid");
    expect(error.message).toContain("BERTH_NATS_SHA256");
    expect(await readdir(join(folder, "cache"))).toEqual([]);
  });

  test("needs both variables", async () => {
    const error = await failure(ensure({ BERTH_NATS_URL: "https://example.org/nats.tar.gz" }));
    expect(error.message).toContain("belong together");
  });

  test("that is too old, holds no nats-server, or cannot be reached is an error", async () => {
    expect((await failure(ensure(await archive("a", program("2.9.1"))))).message).toContain(
      "2.9.1",
    );
    const empty = zip("release/readme", Buffer.from("nothing"), true);
    expect((await failure(ensure(await archive("b", empty)))).message).toContain("no file named");
    const gone = { BERTH_NATS_URL: "file:///nowhere/at/all", BERTH_NATS_SHA256: "0".repeat(64) };
    expect((await failure(ensure(gone))).code).toBe("unreachable");
  });

  test("fetched by several at once ends in one program that all of them use", async () => {
    const env = await archive("release", await tarball("2.12.1"));
    const found = await Promise.all([ensure(env), ensure(env), ensure(env)]);
    expect(new Set(found.map(({ path }) => path)).size).toBe(1);
    expect(await readdir(join(folder, "cache"))).toEqual(["2.12.1"]);
  });
});

test("each system is told its own command", () => {
  const debian = 'ID=ubuntu\nID_LIKE="debian"\n';
  expect(installationCommand("linux", debian)).toContain("apt-get install nats-server");
  expect(installationCommand("linux", "ID=alpine\n")).toContain("apk add nats-server");
  expect(installationCommand("linux", 'ID="rocky"\nID_LIKE="rhel centos fedora"\n')).toContain(
    "rpm",
  );
  expect(installationCommand("darwin", "")).toContain("brew install nats-server");
  expect(installationCommand("linux", "")).toContain("PATH");
});

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/nats`;
}

/** A zip file with one member, as the specification has it (checksums are left 0: nobody reads them). */
function zip(name: string, content: Buffer, deflated: boolean): Buffer {
  const data = deflated ? deflateRawSync(content) : content;
  const fields = Buffer.alloc(20);
  fields.writeUInt16LE(deflated ? 8 : 0, 2);
  fields.writeUInt32LE(data.length, 12);
  fields.writeUInt32LE(content.length, 16);
  const nameLength = Buffer.alloc(4);
  nameLength.writeUInt16LE(name.length);
  const local = Buffer.concat([
    Buffer.from("PK\x03\x04\x14\x00", "latin1"),
    fields,
    nameLength,
    Buffer.from(name),
    data,
  ]);
  const directory = Buffer.concat([
    Buffer.from("PK\x01\x02\x14\x00\x14\x00", "latin1"),
    fields,
    nameLength,
    Buffer.alloc(14),
    Buffer.from(name),
  ]);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, directory, end]);
}
