import { existsSync, realpathSync } from "node:fs";
import path from "node:path";
import type { MediaClass } from "@berth/protocol";
import { mediaClassOf } from "./disks.ts";
import { unescaped } from "./file-systems.ts";
import { listSys, readSys } from "./sys-files.ts";

/** Where the kernel tells of mounts and block devices. */
export interface KernelFiles {
  readonly sys: string;
  readonly mounts: string;
}
const KERNEL: KernelFiles = { sys: "/sys", mounts: "/proc/self/mounts" };
/** Partitions on logical volumes on arrays on disks: more than anyone stacks. */
const STACK_DEPTH_MAX = 8;

/**
 * What the disk is made of that holds the folder. Null where that is not known: the file system is
 * no disk's, the disk does not say, or it is spread over disks of different kinds.
 */
export function mediaClassOfFolder(
  folder: string,
  { sys, mounts }: KernelFiles = KERNEL,
): MediaClass | null {
  const classes = disksOfFolder(folder, { sys, mounts }).map((name) => mediaClassOf(name, sys));
  return classes.length === 0 ? null : onlyOne(classes);
}

/**
 * The names of the block devices that a folder lies on, down to those with nothing below; none where its
 * file system is no disk's.
 */
export function disksOfFolder(folder: string, { sys, mounts }: KernelFiles = KERNEL): string[] {
  const source = mountOf(realpath(folder), mounts)?.device;
  if (!source?.startsWith("/dev/")) return [];
  const name = path.basename(realpath(source));
  const below = membersOf(name, sys).flatMap((each) => disksBelow(each, sys, STACK_DEPTH_MAX));
  return [...new Set(below)];
}

export interface Mount {
  readonly device: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** The mount that the folder is in; null where the kernel does not say. */
export function mountOfFolder(folder: string, { mounts }: KernelFiles = KERNEL): Mount | null {
  return mountOf(realpath(folder), mounts);
}

/** The innermost mount that the folder is in; of mounts on one place the last. */
function mountOf(folder: string, mounts: string): Mount | null {
  let found: Mount | null = null;
  let longest = -1;
  for (const line of (readSys(mounts) ?? "").split("\n")) {
    const [device, mount, type = "", options = ""] = line.split(" ").map(unescaped);
    if (device === undefined || mount === undefined || mount.length < longest) continue;
    const isIn = mount === "/" || folder === mount || folder.startsWith(`${mount}/`);
    if (!isIn) continue;
    found = { device, type, options: options.split(",") };
    longest = mount.length;
  }
  return found;
}

/** All devices of the btrfs that this is one of; else the device alone. */
function membersOf(name: string, sys: string): readonly string[] {
  const folder = `${sys}/fs/btrfs`;
  const listings = listSys(folder).map((each) => listSys(`${folder}/${each}/devices`));
  return listings.find((devices) => devices.includes(name)) ?? [name];
}

/** Down from partitions, mapped and assembled devices to what is hardware. */
function disksBelow(name: string, sys: string, depth: number): string[] {
  const device = `${sys}/class/block/${name}`;
  if (depth === 0 || !existsSync(device)) return [name];
  const below = listSys(`${device}/slaves`);
  if (below.length > 0) return below.flatMap((each) => disksBelow(each, sys, depth - 1));
  if (existsSync(`${device}/partition`)) {
    return disksBelow(path.basename(path.dirname(realpath(device))), sys, depth - 1);
  }
  return [name];
}

function onlyOne(classes: readonly (MediaClass | null)[]): MediaClass | null {
  const [first = null] = classes;
  return classes.every((each) => each === first) ? first : null;
}

function realpath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file; // A device that udev did not name here; its name says enough.
  }
}
