import type { Logger } from "@berth/runtime";

/** How a gateway is set up. Everything but the first two has a default. */
export interface GatewayOptions {
  /** `nats://host:port`, one or several. */
  readonly server: string | readonly string[];
  /** The gateway's nkey seed file, mode 0600. Without it: no login. */
  readonly credentials: string | undefined;
  /** On 127.0.0.1; 0 (the default) takes a free one. */
  readonly port?: number;
  /** The built page. Default: the one beside this package's build. */
  readonly webFolder?: string;
  /**
   * `host:port` names under which people reach it beside the loopback ones, such as that of a
   * tunnel or proxy. Requests for any other name are refused.
   */
  readonly allowedHosts?: readonly string[];
  /** Default: standard error. */
  readonly logger?: Logger;
}

export interface Gateway {
  readonly port: number;
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** Closes every connection; done when nothing of it is left. */
  stop(): Promise<void>;
}
