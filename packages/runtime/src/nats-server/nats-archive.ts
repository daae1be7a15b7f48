import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { BerthError } from "@berth/protocol";
import { readZipMember } from "./zip-member.ts";

const ARCHIVE_BYTES_MAX = 256 * 1024 * 1024;
const FETCH_TIMEOUT_MS = 300_000;
const PROGRAM = "nats-server";

export interface ArchiveRequest {
  /** `https:`, `http:` or `file:`; a .tar.gz, .zip, .deb or the bare program. */
  readonly url: string;
  /** Of the archive, in hexadecimal. Nothing is unpacked before it has been compared. */
  readonly sha256: string;
  /** Gets a file `nats-server`. */
  readonly folder: string;
}

/** Fetches, checks, and only then unpacks the one program out of an archive. */
export async function obtainFromArchive({ url, sha256, folder }: ArchiveRequest): Promise<void> {
  const bytes = await fetchBytes(url);
  const actual = createHash("sha256").update(bytes).digest("hex");
  if (actual !== sha256.trim().toLowerCase()) {
    throw new BerthError("invalid", `BERTH_NATS_SHA256 does not match ${url}`, {
      hint: "Nothing was unpacked. Compare with the publisher's checksum; the download may be damaged or not what you think.",
      details: { expected: sha256, actual },
    });
  }
  const program = join(folder, PROGRAM);
  const scratch = await mkdtemp(join(tmpdir(), "berth-nats-"));
  try {
    await extract(bytes, scratch, program, url);
    await chmod(program, 0o755);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function fetchBytes(url: string): Promise<Buffer> {
  if (!URL.canParse(url)) throw new BerthError("invalid", `BERTH_NATS_URL is not a URL: ${url}`);
  const { protocol } = new URL(url);
  try {
    if (protocol === "file:") return await readFile(fileURLToPath(url));
    if (protocol === "https:" || protocol === "http:") return await download(url);
  } catch (cause) {
    throw new BerthError("unreachable", `cannot fetch ${url}: ${reasonOf(cause)}`, {
      retryable: true,
      cause,
    });
  }
  throw new BerthError(
    "invalid",
    `BERTH_NATS_URL has the scheme ${protocol}; https, http or file is needed`,
  );
}

async function download(url: string): Promise<Buffer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
  if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.byteLength;
    if (size > ARCHIVE_BYTES_MAX) throw new Error(`more than ${ARCHIVE_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.cause instanceof Error ? cause.cause.message : cause.message;
}

/** The kind is told by its first bytes: names in URLs are not to be relied on. */
async function extract(
  bytes: Buffer,
  scratch: string,
  program: string,
  url: string,
): Promise<void> {
  const start = bytes.subarray(0, 8).toString("latin1");
  if (start.startsWith("PK")) {
    const member = readZipMember(bytes, (name) => name === PROGRAM || name.endsWith(`/${PROGRAM}`));
    if (member === null) throw missing(url);
    await writeFile(program, member);
  } else if (start.startsWith("\x1f\x8b")) {
    await unpackWith("tar", (archive) => ["-xzf", archive, "-C", scratch], bytes, scratch);
    await copyFile(await findProgram(scratch, url), program);
  } else if (start === "!<arch>\n") {
    await unpackWith("dpkg-deb", (archive) => ["-x", archive, scratch], bytes, scratch);
    await copyFile(await findProgram(scratch, url), program);
  } else {
    await writeFile(program, bytes);
  }
}

async function unpackWith(
  command: string,
  args: (archive: string) => string[],
  bytes: Buffer,
  scratch: string,
): Promise<void> {
  const archive = join(scratch, "archive");
  await writeFile(archive, bytes);
  try {
    await promisify(execFile)(command, args(archive));
  } catch (cause) {
    throw new BerthError(
      "invalid",
      `cannot unpack the archive with ${command}: ${reasonOf(cause)}`,
      { cause },
    );
  }
}

async function findProgram(folder: string, url: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const entry = entries.find((candidate) => candidate.isFile() && candidate.name === PROGRAM);
  if (!entry) throw missing(url);
  return join(entry.parentPath, entry.name);
}

function missing(url: string): BerthError {
  return new BerthError("invalid", `${url} holds no file named ${PROGRAM}`);
}
