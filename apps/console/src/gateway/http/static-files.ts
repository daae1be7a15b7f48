import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { BerthError } from "@berth/protocol";
import { gatewayLimits } from "../limits.ts";

export interface StaticFile {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  readonly etag: string;
  /** Its name carries the hash of its content: it never changes. */
  readonly isImmutable: boolean;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/**
 * The built page, by URL path, read once: no request ever reaches the file system. Rejects with a
 * `BerthError`: `not_found` when it has not been built.
 */
export async function loadStaticFiles(folder: string): Promise<ReadonlyMap<string, StaticFile>> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (cause: unknown) => {
      throw new BerthError("not_found", `the console's page is not in ${folder}`, {
        hint: "Build it: npm run build",
        cause,
      });
    },
  );
  const files = new Map<string, StaticFile>();
  let bytes = 0;
  for (const entry of names) {
    const contentType = CONTENT_TYPES[extname(entry.name)];
    if (!entry.isFile() || contentType === undefined) continue;
    const path = join(entry.parentPath, entry.name);
    const body = new Uint8Array(await readFile(path));
    bytes += body.length;
    if (bytes > gatewayLimits.staticFileBytesMax) {
      throw new BerthError("invalid", `${folder} is larger than a console page can be`);
    }
    const url = `/${relative(folder, path).split(sep).join("/")}`;
    const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
    files.set(url, { body, contentType, etag, isImmutable: url.startsWith("/assets/") });
  }
  const index = files.get("/index.html");
  if (index === undefined) {
    throw new BerthError("not_found", `${folder} has no index.html`, {
      hint: "Build it: npm run build",
    });
  }
  return files.set("/", index);
}
