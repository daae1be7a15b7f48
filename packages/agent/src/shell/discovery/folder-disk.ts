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
  const source = sourceOf(realpath(folder), mounts);
  if (!source?.startsWith("/dev/")) return null;
  const name = path.basename(realpath(source));
  const classes = membersOf(name, sys).map((member) => classBelow(member, sys, STACK_DEPTH_MAX));
  return onlyOne(classes);
}

/** The device of the innermost mount that the folder is in; of mounts on one place the last. */
function sourceOf(folder: string, mounts: string): string | null {
  let source: string | null = null;
  let longest = -1;
  for (const line of (readSys(mounts) ?? "").split("\n")) {
    const [device, mount] = line.split(" ").map(unescaped);
    if (device === undefined || mount === undefined || mount.length < longest) continue;
    const isIn = mount === "/" || folder === mount || folder.startsWith(`${mount}/`);
    if (!isIn) continue;
    source = device;
    longest = mount.length;
  }
  return source;
}

/** All devices of the btrfs that this is one of; else the device alone. */
function membersOf(name: string, sys: string): readonly string[] {
  const folder = `${sys}/fs/btrfs`;
  const listings = listSys(folder).map((each) => listSys(`${folder}/${each}/devices`));
  return listings.find((devices) => devices.includes(name)) ?? [name];
}

/** Down from partitions, mapped and assembled devices to what is hardware. */
function classBelow(name: string, sys: string, depth: number): MediaClass | null {
  const device = `${sys}/class/block/${name}`;
  if (depth === 0 || !existsSync(device)) return null;
  const below = listSys(`${device}/slaves`);
  if (below.length > 0) return onlyOne(below.map((each) => classBelow(each, sys, depth - 1)));
  if (existsSync(`${device}/partition`)) {
    return classBelow(path.basename(path.dirname(realpath(device))), sys, depth - 1);
  }
  return mediaClassOf(name, sys);
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
