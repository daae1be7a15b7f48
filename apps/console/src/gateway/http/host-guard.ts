/**
 * Who may talk to the gateway. It listens on loopback only, so its enemy is a page of another site
 * in the operator's own browser: such a page can make requests, under a name of its choosing (DNS
 * rebinding), but it cannot choose the `Host` and `Origin` that the browser sends.
 */
export class HostGuard {
  readonly #hosts: ReadonlySet<string>;

  constructor(port: number, allowedHosts: readonly string[]) {
    const own = [`127.0.0.1:${port}`, `localhost:${port}`];
    this.#hosts = new Set([...own, ...allowedHosts.map((host) => host.toLowerCase())]);
  }

  /** The name in the `Host` header is exactly one of ours. */
  allowsHost(host: string | undefined): boolean {
    return host !== undefined && this.#hosts.has(host.toLowerCase());
  }

  /** A plain request may come without an origin (a command line); with one, it must be ours. */
  allowsRequest(host: string | undefined, origin: string | undefined): boolean {
    return this.allowsHost(host) && (origin === undefined || isSameOrigin(host, origin));
  }

  /** No browser protects a WebSocket by itself: the page's origin must be there and be ours. */
  allowsUpgrade(host: string | undefined, origin: string | undefined): boolean {
    return this.allowsHost(host) && origin !== undefined && isSameOrigin(host, origin);
  }
}

function isSameOrigin(host: string | undefined, origin: string): boolean {
  const name = host?.toLowerCase();
  return origin === `http://${name}` || origin === `https://${name}`;
}
