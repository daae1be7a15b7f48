import { z } from "zod";

/**
 * Branded identifiers. A brand costs nothing at run time and keeps an allocation id from being
 * passed where a node id is meant. Every id enters the program through one of these schemas.
 */

/** A node's public nkey (`U` followed by 55 base32 characters): identity and credential are one. */
export const NodeId = z
  .string()
  .regex(/^U[A-Z2-7]{55}$/, "a node id is a public user nkey")
  .brand("NodeId");
export type NodeId = z.infer<typeof NodeId>;

/** One instance of a workload on a node: `a` and a number that only grows within a cluster. */
export const AllocationId = z
  .string()
  .regex(/^a[1-9][0-9]{0,15}$/, "an allocation id is 'a' and a number, such as a42")
  .brand("AllocationId");
export type AllocationId = z.infer<typeof AllocationId>;

/** Minted once, when the log is created. Agents refuse orders from any other cluster. */
export const ClusterId = z
  .string()
  .regex(/^c[0-9a-z]{12,32}$/)
  .brand("ClusterId");
export type ClusterId = z.infer<typeof ClusterId>;

/** Made by the client, one per intended change; repeating it returns the first answer. */
export const RequestId = z
  .string()
  .regex(/^[0-9A-Za-z_-]{8,64}$/, "a request id is 8 to 64 characters of [0-9A-Za-z_-]")
  .brand("RequestId");
export type RequestId = z.infer<typeof RequestId>;

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const DNS_LABEL_HELP =
  "1 to 63 characters of lower-case letters, digits and '-', starting and ending with a letter or digit";

export const WorkloadName = z.string().regex(DNS_LABEL, DNS_LABEL_HELP).brand("WorkloadName");
export type WorkloadName = z.infer<typeof WorkloadName>;

export const ProjectName = z.string().regex(DNS_LABEL, DNS_LABEL_HELP).brand("ProjectName");
export type ProjectName = z.infer<typeof ProjectName>;

/** `project/name`: unique in the cluster, and what people type. */
export const WorkloadId = z
  .string()
  .regex(/^[a-z0-9][-a-z0-9]{0,62}\/[a-z0-9][-a-z0-9]{0,62}$/, "a workload id is project/name")
  .brand("WorkloadId");
export type WorkloadId = z.infer<typeof WorkloadId>;

/** A label on a node, chosen by its operator (the host name by default). Not unique by force. */
export const NodeName = z
  .string()
  .regex(/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,251}[A-Za-z0-9])?$/)
  .brand("NodeName");
export type NodeName = z.infer<typeof NodeName>;

export function workloadId(project: ProjectName, name: WorkloadName): WorkloadId {
  return `${project}/${name}` as WorkloadId;
}

export function splitWorkloadId(id: WorkloadId): { project: ProjectName; name: WorkloadName } {
  const slash = id.indexOf("/");
  return { project: id.slice(0, slash) as ProjectName, name: id.slice(slash + 1) as WorkloadName };
}

export function allocationId(number: number): AllocationId {
  return `a${number}` as AllocationId;
}

export function allocationNumber(id: AllocationId): number {
  return Number(id.slice(1));
}
