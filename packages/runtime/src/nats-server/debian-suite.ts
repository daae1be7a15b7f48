import { access, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BerthError } from "@berth/protocol";
import { apt, lastLine, PACKAGE, unpackProgram, withScratch } from "./apt.ts";
import { compareVersions, isAtLeast, parseVersion } from "./version.ts";

/** Suites newer than an older machine's own, that its archive has as well. */
const SUITES = ["trixie", "sid"];
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * What a machine with Debian's archive among its sources can get beside its own release. Null on
 * every other machine.
 */
export async function findDebianArchive(): Promise<string | null> {
  const release = await readFile("/etc/os-release", "utf8").catch(() => "");
  if (!/^ID="?debian"?$/m.test(release)) return null;
  const codename = /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(release)?.[1] ?? null;
  const targets = await apt("apt-get", [
    "indextargets",
    "--no-release-info",
    "--format",
    "$(REPO_URI) $(RELEASE)",
    "Created-By: Packages",
  ]).catch(() => "");
  return archiveAmong(targets, codename);
}

/**
 * The address from which the machine takes its own release. `targets` has a line `<uri> <suite>` for
 * each source, however it is written down: apt has read them.
 */
export function archiveAmong(targets: string, codename: string | null): string | null {
  const sources = targets.split("\n").map((line) => line.trim().split(" "));
  const isOwn = ([, suite]: string[]) =>
    suite !== undefined && [codename, "stable", "testing", ...SUITES].includes(suite);
  return sources.find(isOwn)?.[0] ?? null;
}

export interface SuiteRequest {
  /** Of the archive, as `findDebianArchive` returns it. */
  readonly archive: string;
  readonly minimumVersion: string;
  /** Gets a file `nats-server`. */
  readonly folder: string;
  /** Whether the program just put into `folder` runs on this machine. */
  readonly isUsable: () => Promise<boolean>;
}

/**
 * Unpacks the newest package of the newer suites that runs here. The machine's own apt knows nothing
 * of it: lists, cache and configuration are private and gone afterwards, nothing is installed.
 * Signatures are checked with the machine's keys, as for every other package.
 *
 * Rejects with a `BerthError` `unreachable`.
 */
export async function obtainFromNewerSuite(request: SuiteRequest): Promise<void> {
  try {
    await withScratch((scratch) => obtain(scratch, request));
  } catch (cause) {
    if (cause instanceof BerthError) throw cause;
    const suites = SUITES.join(" and ");
    throw new BerthError(
      "unreachable",
      `the Debian suites ${suites} could not provide ${PACKAGE} ${request.minimumVersion}: ${lastLine(cause)}`,
      {
        hint: "Set BERTH_NATS_SERVER to a nats-server program, or BERTH_NATS_URL and BERTH_NATS_SHA256 to a release archive and its published checksum.",
        retryable: true,
        cause,
      },
    );
  }
}

async function obtain(scratch: string, request: SuiteRequest): Promise<void> {
  const { archive, minimumVersion, folder, isUsable } = request;
  const own = ["-c", await privateConfiguration(scratch, archive)];
  // A suite that fails costs only what it alone would have had.
  const failure = await apt("apt-get", [...own, "update"]).then(() => null, lastLine);
  const offered = packageVersions(await apt("apt-cache", [...own, "madison", PACKAGE]));
  const wanted = offered.filter(({ version }) => isAtLeast(version, minimumVersion));
  for (const { package: exact } of wanted) {
    const downloads = join(scratch, "download");
    await rm(downloads, { recursive: true, force: true });
    await mkdir(downloads);
    await apt("apt-get", [...own, "download", `${PACKAGE}=${exact}`], downloads);
    await unpackProgram(downloads, folder);
    if (await isUsable()) return;
  }
  const found = offered.map(({ version }) => version).join(", ");
  throw new Error(failure ?? `they have ${found === "" ? "none" : found}`);
}

interface PackageVersion {
  /** As `apt-get` wants it: `2.10.27-1+b2`. */
  readonly package: string;
  /** As the program reports it: `2.10.27`. */
  readonly version: string;
}

/** Newest first, from lines as `nats-server | 2.10.27-1+b2 | <uri> trixie/main amd64 Packages`. */
function packageVersions(madison: string): PackageVersion[] {
  const versions = madison.split("\n").flatMap((line) => {
    const text = line.split("|")[1]?.trim() ?? "";
    const version = parseVersion(text);
    return version === null ? [] : [{ package: text, version }];
  });
  return versions.sort((a, b) => compareVersions(b.version, a.version));
}

/**
 * Everything that apt would write goes to `scratch`, and everything that it would run or prefer for
 * the whole machine is left out; how it reaches the network stays as the machine has it.
 */
async function privateConfiguration(scratch: string, archive: string): Promise<string> {
  const state = join(scratch, "state");
  const cache = join(scratch, "cache");
  const sources = join(scratch, "newer.sources");
  const nothing = join(scratch, "nothing");
  await mkdir(join(state, "lists", "partial"), { recursive: true });
  await mkdir(join(cache, "archives", "partial"), { recursive: true });
  await mkdir(nothing);
  await writeFile(join(state, "status"), "");
  await writeFile(sources, await sourceEntry(archive));
  const file = join(scratch, "apt.conf");
  await writeFile(
    file,
    `Dir::State "${state}";
Dir::State::status "${join(state, "status")}";
Dir::Cache "${cache}";
Dir::Etc::sourcelist "${sources}";
Dir::Etc::sourceparts "${nothing}";
Dir::Etc::preferences "${join(nothing, "preferences")}";
Dir::Etc::preferencesparts "${nothing}";
Acquire::Languages "none";
APT::Sandbox::User "";
Debug::NoLocking "true";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Default-Release;
`,
  );
  return file;
}

async function sourceEntry(archive: string): Promise<string> {
  const hasKeyring = await access(KEYRING).then(
    () => true,
    () => false,
  );
  const signedBy = hasKeyring ? `Signed-By: ${KEYRING}\n` : "";
  return `Types: deb\nURIs: ${archive}\nSuites: ${SUITES.join(" ")}\nComponents: main\n${signedBy}`;
}
