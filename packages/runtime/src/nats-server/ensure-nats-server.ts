import { execFile } from "node:child_process";
import { access, constants, mkdir, mkdtemp, readdir, realpath, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { BerthError } from "@berth/protocol";
import { isDebian, obtainFromDebian, offeredVersion } from "./debian-package.ts";
import { findDebianArchive, obtainFromNewerSuite } from "./debian-suite.ts";
import { describeInstallation } from "./install-hint.ts";
import { obtainFromArchive } from "./nats-archive.ts";
import { MINIMUM_VERSION } from "./supported-versions.ts";
import { compareVersions, isAtLeast, parseVersion } from "./version.ts";

export interface NatsServerProgram {
  readonly path: string;
  readonly version: string;
}

export interface EnsureOptions {
  /** Where Berth keeps servers it fetched. Default: `berth/nats-server` in the user's cache. */
  readonly cacheFolder?: string;
  readonly minimumVersion?: string;
  /** One line for each thing that takes time or is passed over. */
  readonly onProgress?: (line: string) => void;
  /** Default: the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Folders tried after PATH. Default: where packages put it. */
  readonly systemFolders?: readonly string[];
  /** Whether the system's package manager may be used. Default: on Debian and its kin. */
  readonly useSystemPackages?: boolean;
}

const SYSTEM_FOLDERS = ["/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];
const PROGRAM = "nats-server";
const VERSION_TIMEOUT_MS = 10_000;

interface Search {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cacheFolder: string;
  readonly minimumVersion: string;
  readonly systemFolders: readonly string[];
  readonly say: (line: string) => void;
}

/**
 * Finds a nats-server that is new enough, or obtains one. In this order: `BERTH_NATS_SERVER`; PATH
 * and the system's folders; Berth's cache; the archive `BERTH_NATS_URL` with the checksum
 * `BERTH_NATS_SHA256`; the Debian package, and where that is too old the one of a newer suite. Two
 * processes may do this at the same time.
 *
 * Rejects with a `BerthError` that says exactly what to do on this system.
 */
export async function ensureNatsServer(options: EnsureOptions = {}): Promise<NatsServerProgram> {
  const env = options.env ?? process.env;
  const search: Search = {
    env,
    cacheFolder: options.cacheFolder ?? defaultCacheFolder(env),
    minimumVersion: options.minimumVersion ?? MINIMUM_VERSION,
    systemFolders: options.systemFolders ?? SYSTEM_FOLDERS,
    say: options.onProgress ?? (() => {}),
  };
  const useSystemPackages = options.useSystemPackages ?? (await isDebian());
  return (
    (await namedProgram(search)) ??
    (await installedProgram(search)) ??
    (await cachedProgram(search)) ??
    (await archivedProgram(search)) ??
    (useSystemPackages ? await packagedProgram(search) : null) ??
    (await giveUp(search))
  );
}

/** The version a program reports, or null when it does not run or is no nats-server. */
export async function readProgramVersion(path: string): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)(path, ["--version"], {
      timeout: VERSION_TIMEOUT_MS,
    });
    return stdout.startsWith(PROGRAM) ? parseVersion(stdout) : null;
  } catch {
    return null;
  }
}

async function namedProgram({ env, minimumVersion }: Search): Promise<NatsServerProgram | null> {
  const path = env["BERTH_NATS_SERVER"];
  if (path === undefined || path === "") return null;
  const version = await readProgramVersion(path);
  if (version === null) {
    throw new BerthError(
      "not_found",
      `BERTH_NATS_SERVER is ${path}, which does not run as a nats-server`,
      {
        hint: `Name a nats-server program of version ${minimumVersion} or newer, or unset the variable.`,
      },
    );
  }
  if (!isAtLeast(version, minimumVersion)) {
    throw new BerthError(
      "invalid",
      `BERTH_NATS_SERVER is ${path}, version ${version}; ${minimumVersion} is needed`,
      {
        hint: "Name a newer one, or unset the variable to have Berth find one.",
        details: { version, minimumVersion },
      },
    );
  }
  return { path, version };
}

async function installedProgram(search: Search): Promise<NatsServerProgram | null> {
  const onPath = (search.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const seen = new Set<string>();
  for (const folder of [...onPath, ...search.systemFolders]) {
    const path = join(folder, PROGRAM);
    const real = await realpath(path).catch(() => path);
    if (seen.has(real)) continue; // /sbin is often another name of /usr/sbin
    seen.add(real);
    const program = await usableProgram(path, search);
    if (program) return program;
  }
  return null;
}

async function cachedProgram(search: Search): Promise<NatsServerProgram | null> {
  const entries = await readdir(search.cacheFolder).catch(() => []);
  const versions = entries.filter((entry) => parseVersion(entry) === entry).sort(compareVersions);
  for (const version of versions.reverse()) {
    const program = await usableProgram(join(search.cacheFolder, version, PROGRAM), search);
    if (program) return program;
  }
  return null;
}

async function archivedProgram(search: Search): Promise<NatsServerProgram | null> {
  const url = search.env["BERTH_NATS_URL"] || undefined;
  const sha256 = search.env["BERTH_NATS_SHA256"] || undefined;
  if (url === undefined && sha256 === undefined) return null;
  if (url === undefined || sha256 === undefined) {
    throw new BerthError(
      "invalid",
      "BERTH_NATS_URL and BERTH_NATS_SHA256 belong together; one is missing",
      {
        hint: "Set both, or neither. Take the checksum from the publisher of the archive.",
      },
    );
  }
  search.say(`fetching nats-server from ${url}`);
  const source = `the archive ${url}`;
  return intoCache(search, source, (folder) => obtainFromArchive({ url, sha256, folder }));
}

async function packagedProgram(search: Search): Promise<NatsServerProgram | null> {
  const { minimumVersion, say } = search;
  const offered = await offeredVersion();
  // Unread lists are worth a try for what every release has, and only for that.
  if (!isAtLeast(offered ?? MINIMUM_VERSION, minimumVersion)) return newerProgram(search, offered);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    say("installing nats-server from the system's packages (apt-get install)");
    await obtainFromDebian({ mode: "install" });
    return installedProgram(search);
  }
  say("fetching nats-server from the system's packages (apt-get download)");
  const source = "the system's package";
  return intoCache(search, source, (folder) => obtainFromDebian({ mode: "unpack", folder }));
}

/** From a newer release of the system than the one installed, into the cache and nowhere else. */
async function newerProgram(
  search: Search,
  offered: string | null,
): Promise<NatsServerProgram | null> {
  const { minimumVersion, say } = search;
  const archive = await findDebianArchive();
  if (archive === null) return null;
  const own = offered === null ? "" : ` (this system's own package is ${offered})`;
  say(`fetching nats-server ${minimumVersion} or newer from a newer Debian suite${own}`);
  const program = await intoCache(search, "the newer suite's package", (folder) =>
    obtainFromNewerSuite({
      archive,
      minimumVersion,
      folder,
      isUsable: async () => (await readProgramVersion(join(folder, PROGRAM))) !== null,
    }),
  );
  say(`unpacked nats-server ${program.version} into ${dirname(program.path)}`);
  return program;
}

/**
 * Has a program put into a fresh folder, tries it there, and moves the folder to its version's
 * place in one step: a half-made one is never found, and of two processes either may win.
 */
async function intoCache(
  search: Search,
  source: string,
  obtain: (folder: string) => Promise<void>,
): Promise<NatsServerProgram> {
  await mkdir(search.cacheFolder, { recursive: true });
  const draft = await mkdtemp(join(search.cacheFolder, "new-"));
  try {
    await obtain(draft);
    const version = await readProgramVersion(join(draft, PROGRAM));
    if (version === null) {
      throw new BerthError("invalid", `${source} holds no nats-server that runs on this machine`, {
        hint: `This machine is ${process.platform} ${process.arch}.`,
      });
    }
    if (!isAtLeast(version, search.minimumVersion)) {
      throw new BerthError(
        "invalid",
        `${source} is version ${version}; ${search.minimumVersion} is needed`,
      );
    }
    const folder = join(search.cacheFolder, version);
    await rename(draft, folder).catch(async (error: unknown) => {
      if ((await readProgramVersion(join(folder, PROGRAM))) !== version) throw error;
    });
    return { path: join(folder, PROGRAM), version };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function usableProgram(path: string, search: Search): Promise<NatsServerProgram | null> {
  const isThere = await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!isThere) return null;
  const version = await readProgramVersion(path);
  if (version !== null && isAtLeast(version, search.minimumVersion)) return { path, version };
  search.say(
    version === null
      ? `passing over ${path}: it does not run as a nats-server`
      : `passing over ${path}: version ${version} is older than ${search.minimumVersion}`,
  );
  return null;
}

async function giveUp({ minimumVersion }: Search): Promise<never> {
  throw new BerthError("not_found", `no nats-server ${minimumVersion} or newer on this machine`, {
    hint: await describeInstallation(),
  });
}

function defaultCacheFolder(env: Search["env"]): string {
  const base = env["XDG_CACHE_HOME"] || join(env["HOME"] || homedir(), ".cache");
  return join(base, "berth", PROGRAM);
}
