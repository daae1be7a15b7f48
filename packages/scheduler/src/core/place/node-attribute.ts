import { DEFAULT_POOL, type NodeDescription } from "@berth/protocol";

/** The value of a constraint path on a node; undefined for what the node does not have. */
export function nodeAttribute(node: NodeDescription, path: string): string | number | undefined {
  const { hardware } = node;
  switch (path) {
    case "node.name":
      return node.name;
    case "node.id":
      return node.nodeId;
    case "node.pool":
      return node.pool ?? DEFAULT_POOL;
    case "node.architecture":
      return hardware.cpu.architecture;
    case "node.cpu.model":
      return hardware.cpu.model ?? undefined;
    case "node.cpu.threads":
      return hardware.cpu.threads;
    case "node.memoryMiB":
      return hardware.memoryMiB;
    case "node.kernel":
      return hardware.kernel;
    case "node.os":
      return hardware.operatingSystem;
    case "node.agentVersion":
      return node.agentVersion;
    case "node.gpu.model":
      return gpuModels(node);
    case "node.gpu.count":
      return hardware.gpus.length;
  }
  if (path.startsWith("node.labels.")) return own(node.labels, path.slice("node.labels.".length));
  if (path.startsWith("node.meta.")) return own(node.meta, path.slice("node.meta.".length));
  return undefined;
}

/** One model, or all of them in one text for `=~`. */
function gpuModels({ hardware }: NodeDescription): string | undefined {
  const models = [...new Set(hardware.gpus.map((gpu) => gpu.model))];
  return models.length === 0 ? undefined : models.join(", ");
}

function own(values: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(values, key) ? values[key] : undefined;
}
