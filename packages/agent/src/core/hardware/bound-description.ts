import { limits, type NodeDescription, utf8Length } from "@berth/protocol";
import { withoutLinks } from "./gpu-links.ts";
import { ADDRESSES_MAX, describedMax, PATH_LENGTH_MAX } from "./limits.ts";

type Hardware = NodeDescription["hardware"];

type ListName = keyof typeof describedMax;
const LISTS = Object.keys(describedMax) as ListName[];

/**
 * A description that fits an entry of the log, whatever the machine has: lists are cut, texts are
 * shortened, and how much is missing is told. What is granted (GPUs, zones, storage) stays whole.
 */
export function boundDescription(description: NodeDescription): NodeDescription {
  let hardware = withShortTexts(description.hardware);
  const omitted: Record<string, number> = {};
  for (const list of LISTS) hardware = cut(hardware, list, describedMax[list], omitted);
  for (const list of LISTS) {
    while (!fits({ ...description, hardware }) && lengthOf(hardware, list) > 0) {
      hardware = cut(hardware, list, Math.floor(lengthOf(hardware, list) / 2), omitted);
    }
  }
  if (!fits({ ...description, hardware })) hardware = withoutGpuLinks(hardware);
  const isCut = Object.keys(omitted).length > 0;
  return { ...description, hardware: isCut ? { ...hardware, omitted } : hardware };
}

/** Room is left for what `omitted` says. */
const OMITTED_BYTES = 256;

function fits(description: NodeDescription): boolean {
  const bytes = utf8Length(JSON.stringify(description));
  return bytes + OMITTED_BYTES <= limits.nodeDescriptionBytesMax;
}

function lengthOf(hardware: Hardware, list: ListName): number {
  return hardware[list]?.length ?? 0;
}

function cut(
  hardware: Hardware,
  list: ListName,
  most: number,
  omitted: Record<string, number>,
): Hardware {
  const items = hardware[list];
  if (items === undefined || items.length <= most) return hardware;
  omitted[list] = (omitted[list] ?? 0) + items.length - most;
  return { ...hardware, [list]: items.slice(0, most) };
}

/** Paths of mounts are as long as somebody makes them, and addresses as many. */
function withShortTexts(hardware: Hardware): Hardware {
  return {
    ...hardware,
    fileSystems: hardware.fileSystems.map((each) => ({
      ...each,
      mount: each.mount.slice(0, PATH_LENGTH_MAX),
      device: each.device.slice(0, PATH_LENGTH_MAX),
    })),
    networkInterfaces: hardware.networkInterfaces.map((each) => ({
      ...each,
      addresses: each.addresses.slice(0, ADDRESSES_MAX),
    })),
  };
}

function withoutGpuLinks(hardware: Hardware): Hardware {
  return { ...hardware, gpus: hardware.gpus.map(withoutLinks) };
}
