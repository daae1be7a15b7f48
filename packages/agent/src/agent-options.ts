import type { DeviceCounts, ResourceCapacity, Taint } from "@berth/protocol";

/** How an agent is set up. Everything but the first three has a default. */
export interface AgentOptions {
  /** `nats://host:port`, one or several. */
  readonly server: string | readonly string[];
  /**
   * The nkey seed of this node, mode 0600. Its public key is the node's id. Made when missing, and
   * then only good once the server knows the public key.
   */
  readonly credentials: string;
  /** The folder where tasks run and their records live. One agent at a time uses it. */
  readonly state: string;
  /** Default: the host name. */
  readonly nodeName?: string;
  /** For constraints: `node.labels.<key>`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Handed to tasks as `BERTH_META_<key>`. */
  readonly meta?: Readonly<Record<string, string>>;
  /** The pool it belongs to. Default: `default`. */
  readonly pool?: string;
  /** Keep off it whatever does not say that it tolerates their keys. */
  readonly taints?: readonly Taint[];
  /** Counted devices that Berth cannot find by itself, such as `fpga`, by name. */
  readonly devices?: Readonly<DeviceCounts>;
  /** Kept back for the system; what is left out takes its default (`core/node-capacity.ts`). */
  readonly reserved?: Partial<ResourceCapacity>;
  /** What the links carry in total, where the drivers do not say. */
  readonly networkMbps?: number;
  /** What an interface carries, by its name, where its driver does not say. */
  readonly interfaceMbps?: Readonly<Record<string, number>>;
  /** Inclusive range for ports the scheduler chooses. */
  readonly portRange?: PortRange;
}

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** Below Linux's ephemeral ports (32768 on), so that outgoing connections never take one. */
export const DEFAULT_PORT_RANGE: PortRange = { from: 20_000, to: 31_999 };
