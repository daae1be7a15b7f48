import { statfs } from "node:fs/promises";
import type { Hardware } from "@berth/protocol";
import { agentLimits } from "../../limits.ts";
import { readSys, wholeMiB } from "./sys-files.ts";

type FileSystem = Hardware["fileSystems"][number];

/** Local ones on real devices. A network file system can hang, and is not this node's. */
const LOCAL_TYPES = new Set([
  "ext2",
  "ext3",
  "ext4",
  "xfs",
  "btrfs",
  "zfs",
  "f2fs",
  "bcachefs",
  "jfs",
  "vfat",
]);

export async function discoverFileSystems(): Promise<FileSystem[]> {
  const seen = new Set<string>();
  const found: FileSystem[] = [];
  for (const line of (readSys("/proc/self/mounts") ?? "").split("\n")) {
    const [device, mount, type, options] = line.split(" ").map(unescaped);
    if (device === undefined || mount === undefined || type === undefined) continue;
    // A device mounted again (bind mounts) holds no more than once.
    if (
      !LOCAL_TYPES.has(type) ||
      seen.has(device) ||
      found.length >= agentLimits.fileSystemsMeasuredMax
    )
      continue;
    seen.add(device);
    const sizes = await measureFileSystem(mount);
    if (sizes === null) continue;
    const { sizeMiB, availableMiB } = sizes;
    const isReadOnly = (options ?? "").split(",").includes("ro");
    found.push({ mount, type, device, sizeMiB, availableMiB, isReadOnly });
  }
  return found;
}

export interface FileSystemSizes {
  readonly sizeMiB: number;
  /** What an ordinary user can still write. */
  readonly availableMiB: number;
  readonly usedMiB: number;
}

/** Null where it cannot be asked. */
export async function measureFileSystem(folder: string): Promise<FileSystemSizes | null> {
  try {
    const { blocks, bfree, bavail, bsize } = await statfs(folder);
    return {
      sizeMiB: wholeMiB(blocks * bsize),
      availableMiB: wholeMiB(bavail * bsize),
      usedMiB: wholeMiB((blocks - bfree) * bsize),
    };
  } catch {
    return null;
  }
}

/** Mount tables write blanks and the like as octal escapes. */
export function unescaped(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_match, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
