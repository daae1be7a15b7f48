import type { DeviceHealth, NodeDescription, NodeId } from "@berth/protocol";
import type { ClusterState, NodeRecord } from "../state/cluster-state.ts";

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ID_DIGITS = 55;

/**
 * Descriptions of nodes that are not there, each what `model` is but with an identity of its own:
 * `r1-s01-like-1`, and healthy devices that are nobody else's.
 */
export function likeNode(
  { nodes }: ClusterState,
  { description }: NodeRecord,
  count: number,
): NodeDescription[] {
  const made: NodeDescription[] = [];
  for (let number = 1; made.length < count; number += 1) {
    const nodeId = idOf(number);
    if (!nodes.has(nodeId)) made.push(another(description, nodeId, made.length + 1));
  }
  return made;
}

/** A node id that no key makes: all but its last digits are the first one. */
function idOf(number: number): NodeId {
  let digits = "";
  for (let rest = number; rest > 0; rest = Math.floor(rest / BASE32.length)) {
    digits = `${BASE32[rest % BASE32.length]}${digits}`;
  }
  return `U${digits.padStart(ID_DIGITS, "A")}` as NodeId;
}

function another(model: NodeDescription, nodeId: NodeId, number: number): NodeDescription {
  const suffix = `-like-${number}`;
  const renamed = (uuid: string) => `${uuid}${suffix}`;
  const gpus = model.hardware.gpus.map((gpu) => ({
    ...withoutHealth(gpu),
    uuid: renamed(gpu.uuid),
    ...(gpu.slices && {
      slices: gpu.slices.map((slice) => ({ ...slice, uuid: renamed(slice.uuid) })),
    }),
  }));
  const zones = model.zones?.map((zone) => ({ ...zone, gpuUuids: zone.gpuUuids.map(renamed) }));
  const storage = model.storage?.map(withoutHealth);
  return {
    ...model,
    nodeId,
    name: `${model.name.slice(0, NAME_MAX - suffix.length)}${suffix}` as NodeDescription["name"],
    hardware: { ...model.hardware, gpus },
    ...(zones && { zones }),
    ...(storage && { storage }),
  };
}

function withoutHealth<Device extends { health?: DeviceHealth | undefined }>(
  device: Device,
): Device {
  const rest = { ...device };
  delete rest.health;
  return rest;
}

const NAME_MAX = 253;
