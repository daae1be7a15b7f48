import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const FOLDER = ".berth";

/**
 * The home of the cluster that is meant: the one named, else `BERTH_HOME`, else the nearest
 * `.berth` here or above, else `.berth` here, which need not exist yet.
 */
export function findHome(
  named: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  workFolder: string,
): string {
  const given = named ?? env["BERTH_HOME"];
  if (given !== undefined && given !== "") return resolve(workFolder, given);
  for (let folder = workFolder; ; folder = dirname(folder)) {
    const candidate = join(folder, FOLDER);
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder)) return join(workFolder, FOLDER);
  }
}
